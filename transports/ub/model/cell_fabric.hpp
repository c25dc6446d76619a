// Level `cell`: messages travel as cells. Ports serve their flows round robin, cell by cell, and a
// cell leaves only with a credit of the receiving port.
#pragma once

#include <unordered_map>
#include <vector>

#include "transports/ub/model/credits.hpp"
#include "transports/ub/model/delay_lines.hpp"
#include "transports/ub/model/fabric.hpp"
#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/model/issue_slots.hpp"
#include "transports/ub/model/local_copies.hpp"
#include "transports/ub/model/spreading.hpp"
#include "transports/ub/model/trunks.hpp"

namespace tutti::ub {

// A flow is what goes from one rank to another by one path (and, where messages are pinned to
// planes, one channel). It is idle, or in its source's ring of flows that have cells to send, or
// waits for a credit. Where cells are sprayed, the source's ports, one a plane, share one ring.
//
//   row -> ready line -> flow -> egress port -> up, down (trunks that can hold traffic up) -> lane
//   of the receiving port -> arrived, credit back
class CellFabric final : public Fabric, private EventTarget {
 public:
  CellFabric(const Topology& topology, const FabricOptions& options, ModelEvents& queue,
             TransferSink& sink);

  void start(Picoseconds at, const Transfer& transfer) override;

 private:
  enum class Stage : std::uint8_t {
    kReady,
    kUp,
    kIngress,  // delay lines of a rank
    kDown,
    kBehindTrunk,  // delay lines of a trunk port
    kEgressFree,
    kIngressFree,  // ports
    kCredit,       // credit pools
    kRetry,        // items
  };
  static constexpr std::size_t kRankStages = 3;
  static constexpr std::size_t kTrunkStages = 2;

  // A row before its cells leave, and then a cell.
  struct Item {
    Picoseconds time{};  // of the delay line it is in
    Picoseconds tail{};  // a cell's last byte, where the head is now
    std::uint64_t bytes = 0;
    std::uint32_t next = kNone;
    std::uint32_t job = 0;
    std::uint32_t flow = 0;
    std::int32_t from = 0;
    std::int32_t to = 0;
    std::int16_t path = 0;
    std::int16_t channel = 0;
    std::int16_t link = 0;
  };
  // A transfer.
  struct Job {
    std::uint32_t next = kNone;
    bool lost = false;
    std::uint64_t tag = 0;
    std::uint64_t cells_to_leave = 0;
    std::uint64_t cells_to_arrive = 0;
    Picoseconds left{};
    Picoseconds arrived{};
  };
  struct Flow {
    std::uint32_t next = kNone;
    std::uint32_t first_lane = 0;  // one a channel
    std::size_t ring = 0;          // the port at whose channel 0, or own channel, it queues
    NodeQueue items;
    bool active = false;   // in the ring, or waiting for a credit
    bool granted = false;  // has a credit that it waited for
  };
  // What a flow has in one receiving port.
  struct Lane {
    std::uint32_t next = kNone;
    NodeQueue cells;
  };
  struct ServedPort {
    Picoseconds free{};
    bool wake_scheduled = false;
    int turn = 0;       // of a sprayed ring: the channel after the last cell's is asked first
    NodeQueue ring;     // of flows, or of lanes
    NodeQueue granted;  // of flows that waited for a credit: first, as they hold it meanwhile

    bool idle() const noexcept { return ring.empty() && granted.empty(); }
  };

  void fire(Picoseconds now, std::uint64_t token) override;

  // Egress.
  void enqueue(Picoseconds now, std::uint32_t id);
  void activate(Picoseconds now, std::uint32_t flow);
  void pump_ring(Picoseconds now, std::size_t ring);
  void pump_egress(Picoseconds now, std::size_t port);
  bool take_credit(Picoseconds now, std::uint32_t flow);
  void send_cell(Picoseconds now, std::uint32_t flow, std::size_t port,
                 const Spreading::Passage& passage);
  // Is there no way for this flow on this port any more? Then its rows have gone elsewhere.
  bool leaves_port(Picoseconds now, std::uint32_t flow, const Spreading::Passage& passage);
  bool shuns_port(Picoseconds now, std::uint32_t flow, std::size_t port) const;
  // Did the cell, of `bytes` and on the way until `until`, fall victim to a failure?
  bool fails(Picoseconds now, std::uint32_t id, const Spreading::Passage& passage,
             Picoseconds until);
  void retry(Picoseconds now, std::uint32_t id);

  // Beyond.
  void cross(Picoseconds now, std::uint32_t id, Stage stage);
  void reach_ingress(Picoseconds now, std::uint32_t id);
  void pump_ingress(Picoseconds now, std::size_t port);
  void wake_waiting(Picoseconds now, std::size_t pool);
  void return_credit(Picoseconds when, int network, int rank);
  void lose(Picoseconds when, std::uint32_t id);
  void close(std::uint32_t job);

  std::uint32_t find_flow(const Item& item);
  // `owner`: a rank, or the number of a trunk port.
  void wait(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id);
  void schedule_wake(ServedPort& port, Stage stage, std::size_t number);
  FaultSchedule::Route route_of(const Item& item) const {
    return {.network = topology_.path(item.path).network, .from = item.from, .to = item.to};
  }
  std::uint64_t cells(std::uint64_t bytes) const {
    return bytes == 0 ? 1 : (bytes + cell_bytes_ - 1) / cell_bytes_;
  }
  std::size_t pool_index(int network, int rank) const {
    return static_cast<std::size_t>(network) * ranks_ + static_cast<std::size_t>(rank);
  }
  std::size_t port_index(int network, int rank, int channel) const {
    return pool_index(network, rank) * channels_ + static_cast<std::size_t>(channel);
  }
  bool sprays(int network) const { return spreading_.spraying(network) == Spraying::kPerCell; }

  const Topology& topology_;
  ModelEvents& queue_;
  TransferSink& sink_;
  TransferProbe* const probe_;
  FaultSchedule faults_;
  Spreading spreading_;
  IssueSlots issue_;
  const std::uint64_t cell_bytes_;
  const std::size_t ranks_;
  const std::size_t channels_;
  Trunks trunks_;
  LocalCopies local_;
  std::vector<ServedPort> egress_;  // port_index
  std::vector<ServedPort> ingress_;
  std::vector<Picoseconds> load_;           // port_index: when all that was put on it will be done
  std::vector<CreditPool> credits_;         // pool_index
  std::vector<Picoseconds> credit_return_;  // [network]
  Pool<Item> items_;
  Pool<Job> jobs_;
  std::vector<Flow> flows_;
  std::vector<Lane> lanes_;
  std::unordered_map<std::uint64_t, std::uint32_t> flow_numbers_;  // looked up, never walked
  DelayLines<Item> lines_;
  std::uint64_t numbered_ = 0;
};

}  // namespace tutti::ub
