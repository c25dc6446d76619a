// Carries out what a rank that is another process calls: on fibres that stand for its threads.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "served_window.hpp"
#include "transports/ub/bus/bus_transport.hpp"
#include "transports/ub/bus/simulation.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::launcher {

class Answer;

// What the ranks of a communicator share, and how many of them use it. The file of its control
// memory is closed when nobody does.
struct ServedRoster {
  std::shared_ptr<ub::Roster> roster;
  int users = 0;
};

// What the ranks of a simulation that serves processes have in common. Lives as long as it.
class ServedWorld {
 public:
  virtual ub::Simulation& simulation() = 0;
  virtual RankMemories& memories() = 0;
  virtual std::vector<ServedRoster>& rosters() = 0;
  virtual ub::wire::Process& process(int rank) = 0;
  // Who is the rank has been heard of.
  virtual void attached(int rank, int pid) = 0;
  // Waits for the lane to be handed over: false when the process has ended. No virtual time
  // passes, and nobody else runs. Ends the run, and with it the fibre, when it takes too long.
  virtual bool await(int rank, ub::wire::Lane& lane) = 0;
  // A fault of the fabric has ended the rank: its process ends too.
  virtual void end_process(int rank) = 0;

 protected:
  ~ServedWorld() = default;
};

class ServedRank {
 public:
  ServedRank(ServedWorld& world, int rank);
  ~ServedRank();
  ServedRank(const ServedRank&) = delete;
  ServedRank& operator=(const ServedRank&) = delete;

  // The body of the rank's fibre: until the process has ended.
  void serve();
  // The process has ended while none of its fibres had the turn.
  void bury();
  // Does none of its fibres wait for anything?
  bool idle() const noexcept { return ended_ || fibres_.empty(); }

 private:
  struct Transport {
    Transport(const std::shared_ptr<ub::RankPort>& port, const RankMemories& memories);
    std::uint32_t roster = 0;  // its number
    std::shared_ptr<ub::RankPort> port;
    ub::BusTransport bus;
    ServedWindow control, heap, process;
  };

  ub::wire::Lane& lane(std::uint32_t number) const;
  void serve(std::uint32_t number);
  void serve_stream(std::uint32_t number);
  // Around a fibre's work: its process ends with the rank's node.
  template <typename Work>
  void while_alive(Work&& work);
  // Ends as a rank that leaves everything, or as one that is gone.
  void end_of_process(const ub::wire::Lane& last);
  void cancel_fibres();
  // False: its thread has finished.
  bool carry_out(ub::wire::Lane& lane);
  bool carry_out_all(const ub::wire::Lane& lane, Answer& answer);
  void carry_out(const ub::wire::Command& command, const std::byte* body, Answer& answer);
  void give_back(ub::wire::Lane& lane) const;

  void attach(const ub::wire::Attach& body, Answer& answer);
  void all_gather(const ub::wire::AllGather& body);
  void make_roster(const ub::wire::MakeRoster& body, const std::byte* more, Answer& answer);
  void open_transport(const ub::wire::OpenTransport& body, Answer& answer);
  void close_transport(const ub::wire::CloseTransport& body);
  void costs(const ub::wire::Costs& body, Answer& answer);
  void open_control(const ub::wire::OpenControl& body, Answer& answer);
  void put(const ub::wire::Put& body, const std::byte* more);
  void view(const ub::wire::ViewOf& body);
  void get(const ub::wire::Get& body);
  void abort(const ub::wire::Abort& body, const std::byte* more);
  void sleep(const ub::wire::Sleep& body);
  void spawn(Answer& answer);
  static void call_begins(const ub::wire::CallBegins& body, const std::byte* more);
  static void experts(const ub::wire::Experts& body, const std::byte* more);

  Transport& transport(std::uint32_t number);
  ServedWindow& window(std::uint32_t transport, ub::wire::Where where);
  FibreHost& host() const;
  template <typename T>
  std::vector<T> list_at(std::uint64_t address, std::uint64_t count) const;
  const RankMemory& memory() const { return world_.memories()[static_cast<std::size_t>(rank_)]; }

  ServedWorld& world_;
  const int rank_;
  ub::wire::Process& process_;
  bool ended_ = false;
  std::uint32_t numbers_ = 0;  // given so far
  std::map<std::uint32_t, std::unique_ptr<Bootstrap>> bootstraps_;
  std::map<std::uint32_t, std::unique_ptr<Transport>> transports_;
  std::set<std::uint32_t> free_lanes_;
  std::map<std::uint32_t, ub::FibreId> fibres_;  // by lane
};

}  // namespace tutti::launcher
