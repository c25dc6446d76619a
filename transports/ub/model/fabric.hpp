// The fabric model: when bytes that are sent at a time have left and when they arrive. Levels of
// detail behind one interface; docs/fabric-model.md says what each takes into account.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "transports/ub/model/events.hpp"
#include "transports/ub/model/topology.hpp"
#include "transports/ub/model/transfer_probe.hpp"

namespace tutti::ub {

// Bytes between the memory of `rank`, whose cores move them, and that of `peer`.
struct Transfer {
  int rank = 0;
  int peer = 0;
  Direction direction = Direction::kWrite;
  std::uint32_t rows = 1;   // of equal size, issued one by one: what one call moves between a pair
  std::uint64_t bytes = 0;  // all rows together
  std::uint64_t tag = 0;    // for the sink
};

// Hears of every transfer once `left` then `arrived`, or `lost`. A call comes as soon as its time
// is known, at the latest when that is the current time; calls are in no order of time. start() may
// be called from inside.
class TransferSink {
 public:
  // The source may be overwritten from `when` on.
  virtual void left(std::uint64_t tag, Picoseconds when) = 0;
  // All bytes are in their place. Transfers of a pair may overtake each other: who needs order
  // keeps the latest arrival of the pair.
  virtual void arrived(std::uint64_t tag, Picoseconds when) = 0;
  // An end has failed, or nothing leads there any more; noticed at `when`.
  virtual void lost(std::uint64_t tag, Picoseconds when) = 0;
  // Soon it will hear of this one, which is under way: what EventTarget::prepare is for, passes 0
  // and 1.
  virtual void prepare(std::uint64_t /*tag*/, int /*pass*/) noexcept {}

 protected:
  ~TransferSink() = default;
};

class Fabric {
 public:
  virtual ~Fabric() = default;
  // `at` is not before the current time. What a rank starts after something that it has started for
  // a later time waits for that: its cores take one after the other.
  virtual void start(Picoseconds at, const Transfer& transfer) = 0;
};

enum class ModelLevel : std::uint8_t { kBound, kMessage, kCell };

struct FabricOptions {
  ModelLevel level = ModelLevel::kMessage;
  std::optional<Spraying> spraying;  // instead of what the profile's networks have
  std::uint32_t cell_bytes = 4096;   // 512 to 4096
  std::vector<Fault> faults;         // after those of the profile
  std::uint64_t seed = 1;            // for what a fault leaves open
  TransferProbe* probe = nullptr;    // outlives the fabric
};

// Topology, queue and sink outlive the fabric; the queue fires nothing of it after it is gone.
// Throws tuttiInvalidArgument for options or faults that the topology does not have.
std::unique_ptr<Fabric> make_fabric(const Topology& topology, const FabricOptions& options,
                                    ModelEvents& queue, TransferSink& sink);

// tuttiInvalidArgument where the transfer's ends are no ranks.
void check_transfer(const Topology& topology, const Transfer& transfer);

}  // namespace tutti::ub
