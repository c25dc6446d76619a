// How long each algorithm takes by what the transport tells of its costs: every stage of it is one
// formula over the path to those it talks to, and an algorithm is a sum of stages. Ranks begin
// together, ports and cores are idle, and a message waits for those before it from the same rank.
//
// A stage's last message arrives at
//   latency + the longer of   all its bytes through the port, and
//                             the start of the last row and that row's bytes.
// Who waits for several looks again while not all are there, and each look takes its time: it
// notices the last when a look has ended that began at the first, or halfway through a later one.
#pragma once

#include <cstddef>
#include <optional>
#include <tutti/transport.hpp>
#include <vector>

#include "collectives/choice.hpp"
#include "collectives/request.hpp"

namespace tutti {

class CostModel {
 public:
  // What decides in an exchange how a row goes.
  struct ExchangeLimits {
    std::size_t eager_bytes = 0;
    std::size_t staging_bytes = 0;
    bool any_source = false;  // see StagedPush::takes_any_source
  };
  // `costs` outlive it. As rank 0 and the farthest group see them, so that every rank has the same
  // model.
  CostModel(const Costs& costs, int ranks, const ExchangeLimits& limits);

  // The sizes of groups to think of: the divisors of the ranks below their number, 1 first.
  const std::vector<int>& groups() const { return groups_; }

  // Kinds of whose calls every rank knows all sizes.
  static bool knows(OperationKind kind);
  // Nanoseconds from the ranks' common start to the end on the last of them, of a call that
  // knows() and that the choice can run. Buffers lie where peers reach them.
  double predict(const AlgorithmChoice& choice, const Request& request) const;

 private:
  // Those a rank talks to in a stage.
  struct Reach {
    int peers = 0;
    double post_ns = 0;      // of a line to each
    double latency_ns = 0;   // the longest
    double shortest_ns = 0;  // latency
    double read_latency_ns = 0;
    double ns_per_byte = 0;  // of a byte for each
    double read_ns_per_byte = 0;
  };
  // Of the two stages of a division into groups.
  struct Division {
    Reach mates;
    Reach counterparts;
  };
  static bool farther(const Reach& a, const Reach& b);
  static void add(Reach& reach, const Path& path, const Costs& costs);
  const Division& division(int group) const;
  const Reach& everybody() const { return divisions_.front().counterparts; }

  double entry() const { return costs_.work_ns(LocalWork::entry()); }
  double sync() const { return costs_.work_ns(LocalWork::sync()); }
  double copy(std::size_t bytes) const { return costs_.work_ns(LocalWork::copy(bytes)); }
  double reduce(std::size_t bytes) const { return costs_.work_ns(LocalWork::reduce(bytes)); }
  std::size_t share_of(std::size_t bytes) const;
  double looks(std::size_t flags) const { return costs_.work_ns(LocalWork::looks(flags)); }
  // When the last of `rows` rows, which are wanted at once, is through the port, if it takes
  // row_ns there and all of them all_ns.
  double sent(std::size_t rows, double row_ns, double all_ns) const;
  // The same of a line for each, behind a row of `bytes` if there are any.
  double sent(const Reach& reach, std::size_t bytes) const;
  // When a rank has noticed the last message, sent at `sent`, of those from all of `reach`.
  double noticed(const Reach& reach, double sent) const;
  // Who awaits lines in another order than they come in looks more often, half a time on the
  // average.
  double out_of_order() const { return everybody().peers < 2 ? 0 : looks(1) / 2; }
  // From everybody to everybody.
  double push(const Reach& reach, std::size_t bytes) const;
  // A line from one rank to all; from all to one.
  double fan_out(const Reach& reach) const;
  double fan_in(const Reach& reach) const;
  // When the last answer is through the port of who posts a line to all, and takes what they answer
  // meanwhile: `answers` for all of it.
  double asked(const Reach& reach, double answers) const;
  // Of so many bytes from each, by one; by all at once, in windows; from one, by all.
  double read(const Reach& reach, std::size_t bytes) const;
  double read_by_all(const Reach& reach, std::size_t bytes, std::size_t windows) const;
  static std::size_t windows_for(const Reach& reach, std::size_t bytes);
  double read_from_one(const Reach& reach, std::size_t bytes) const;

  double scatter(int group, std::size_t share_bytes, std::size_t total) const;
  double staged(std::size_t bytes, int group) const;
  double gather(int group, std::size_t share_bytes, std::size_t total) const;

  double line(const Request& request) const;
  double one_shot(const Request& request) const;
  double two_shot(const Request& request) const;
  double exchange(const Request& request) const;
  double scatter_gather(const Request& request) const;
  std::optional<std::size_t> eager_copies(const Request& request) const;
  double exchange_rooted(const Request& request) const;
  double exchange_push(const Request& request, int group) const;
  double last_pushed(std::size_t bytes, int group, std::size_t told) const;
  double one_shot_push(const Request& request, int group) const;
  double two_shot_push(const Request& request, int group) const;
  double relay(const Request& request, int group) const;
  double two_level(const Request& request, int group) const;

  const Costs& costs_;
  std::size_t ranks_;
  ExchangeLimits limits_;
  std::vector<int> groups_;
  std::vector<Division> divisions_;  // of groups_
};

}  // namespace tutti
