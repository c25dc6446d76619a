#include "moe_steps.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.hpp"
#include "transports/ub/engine/mix.hpp"
#include "transports/ub/model/event_heap.hpp"
#include "transports/ub/model/fabric.hpp"

namespace tutti::calibration {

namespace {

using namespace ub;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Software costs of one rank, which may be several units.
struct Costs {
  Costs(const Software& software, int units)
      : cores(software.cores * units),
        entry(nanoseconds(software.operator_entry_ns)),
        sync(nanoseconds(software.core_sync_ns)),
        issue(nanoseconds(software.row_issue_ns)),
        flag(nanoseconds(software.flag_ns)),
        count(nanoseconds(software.count_ns)),
        poll(nanoseconds(software.poll_ns)),
        load(Rate::of_GBps(software.token_load_GBps)),
        quantise(Rate::of_GBps(software.quantise_GBps)),
        copy(Rate::of_GBps(software.local_copy_GBps).scaled(static_cast<std::uint64_t>(units), 1)) {
  }

  // What the core with most of `things` has of them.
  std::int64_t share(int things) const { return (things + cores - 1) / cores; }

  int cores;
  Picoseconds entry, sync, issue, flag, count, poll;
  Rate load, quantise, copy;
};

// A row, or a flag: from a rank at a time.
struct Departure {
  Picoseconds at;
  int from;
  int to;
  std::uint64_t bytes;
};

// Runs departures through the fabric.
class Journey final : private EventTarget, private TransferSink {
 public:
  Journey(const Topology& topology, std::vector<Departure> departures)
      : departures_(std::move(departures)), arrivals_(departures_.size()) {
    order_.resize(departures_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return departures_[a].at < departures_[b].at;
    });
    fabric_ = make_fabric(topology, {}, queue_, *this);
    if (!order_.empty()) queue_.schedule(departures_[order_[0]].at, *this, 0);
    queue_.run();
  }

  // By position in the departures.
  const std::vector<Picoseconds>& arrivals() const { return arrivals_; }

 private:
  void fire(Picoseconds now, std::uint64_t next) override {
    for (; next < order_.size() && departures_[order_[next]].at == now; ++next) {
      const Departure& row = departures_[order_[next]];
      fabric_->start(now,
                     {.rank = row.from, .peer = row.to, .bytes = row.bytes, .tag = order_[next]});
    }
    if (next < order_.size()) queue_.schedule(departures_[order_[next]].at, *this, next);
  }
  void left(std::uint64_t, Picoseconds) override {}
  void arrived(std::uint64_t tag, Picoseconds when) override { arrivals_[tag] = when; }
  void lost(std::uint64_t tag, Picoseconds) override {
    fail(tuttiInvalidArgument, "a row from rank {} to rank {} is lost: calibrate without faults",
         departures_[tag].from, departures_[tag].to);
  }

  std::vector<Departure> departures_;
  std::vector<std::uint32_t> order_;
  std::vector<Picoseconds> arrivals_;
  EventHeap queue_;
  std::unique_ptr<Fabric> fabric_;
};

// The rank of every (source rank, token, lane): contiguous experts, k distinct ones a token.
std::vector<int> route(const MoeWorkload& work) {
  std::vector<int> ranks;
  std::vector<int> experts(index(work.experts));
  for (int e = 0; e < work.experts; ++e) experts[index(e)] = e;
  std::uint64_t random = split_mix64(work.seed);
  for (int token = 0; token < work.ranks * work.tokens; ++token) {
    for (int lane = 0; lane < work.top_k; ++lane) {  // the front of a shuffle
      random = split_mix64(random);
      const auto pick =
          lane + static_cast<int>(random % static_cast<std::uint64_t>(work.experts - lane));
      std::swap(experts[index(lane)], experts[index(pick)]);
      ranks.push_back(
          static_cast<int>(std::int64_t{experts[index(lane)]} * work.ranks / work.experts));
    }
  }
  return ranks;
}

class Summary {
 public:
  void add(const char* name, const std::vector<Picoseconds>& ends) {
    Picoseconds sum{};
    for (const Picoseconds end : ends) sum += end;
    times_.steps.push_back({name, sum / static_cast<std::int64_t>(ends.size()),
                            *std::max_element(ends.begin(), ends.end())});
  }
  StepTimes take() { return std::move(times_); }

 private:
  StepTimes times_;
};

class Steps {
 public:
  Steps(const Topology& topology, const Costs& costs, const MoeWorkload& work)
      : topology_(topology), costs_(costs), work_(work), routing_(route(work)) {
    received_.resize(index(work.ranks));
    for (std::size_t row = 0; row < routing_.size(); ++row) {
      received_[index(routing_[row])].push_back(row);
    }
  }

  StepTimes dispatch() const {
    Summary summary;
    std::vector<Departure> departures;
    std::vector<Picoseconds> now(ranks());
    for (int rank = 0; rank < work_.ranks; ++rank) {
      now[index(rank)] = issue_tokens(rank, departures);
    }
    summary.add("issued", now);
    for (int rank = 0; rank < work_.ranks; ++rank) {
      const Picoseconds met = now[index(rank)] + costs_.sync;
      for (int peer = 0; peer < work_.ranks; ++peer) {
        const Picoseconds raised = met + costs_.flag * (peer / costs_.cores + 1);
        departures.push_back({raised, rank, peer, kFlagBytes});
        now[index(rank)] = std::max(now[index(rank)], raised);
      }
    }
    summary.add("flagged", now);
    const Journey journey(topology_, departures);
    for (std::size_t i = 0; i < departures.size(); ++i) {
      Picoseconds& seen = now[index(departures[i].to)];
      seen = std::max(seen, journey.arrivals()[i]);
    }
    summary.add("arrived", now);
    const auto stages = static_cast<int>(std::bit_width(static_cast<unsigned>(work_.ranks - 1)));
    for (Picoseconds& time : now) {
      time += (costs_.poll + costs_.count) * costs_.share(work_.ranks) + costs_.sync * stages;
    }
    summary.add("counted", now);
    if (!work_.copies_out) return summary.take();
    for (int rank = 0; rank < work_.ranks; ++rank) {
      const std::size_t rows = received_[index(rank)].size();
      now[index(rank)] += (costs_.poll + costs_.issue) * costs_.share(static_cast<int>(rows)) +
                          costs_.copy.time(rows * work_.dispatch_row_bytes);
    }
    summary.add("copied", now);
    return summary.take();
  }

  StepTimes combine() const {
    Summary summary;
    std::vector<Departure> departures;
    std::vector<std::size_t> row_of;  // by position in the departures
    std::vector<Picoseconds> now(ranks());
    for (int rank = 0; rank < work_.ranks; ++rank) {
      now[index(rank)] = return_rows(rank, departures, row_of) + costs_.sync;
    }
    summary.add("returned", now);
    const Journey journey(topology_, std::move(departures));
    const auto lanes = static_cast<std::size_t>(work_.top_k);
    std::vector<Picoseconds> arrived(routing_.size());
    for (std::size_t i = 0; i < row_of.size(); ++i) arrived[row_of[i]] = journey.arrivals()[i];
    const Picoseconds add = costs_.poll + costs_.load.time(work_.combine_row_bytes);
    for (int rank = 0; rank < work_.ranks; ++rank) {
      std::vector<Picoseconds> free(index(costs_.cores), now[index(rank)]);
      for (int token = 0; token < work_.tokens; ++token) {
        Picoseconds& core = free[index(token % costs_.cores)];
        const std::size_t first = index(rank * work_.tokens + token) * lanes;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          core = std::max(core, arrived[first + lane]) + add;
        }
        now[index(rank)] = std::max(now[index(rank)], core);
      }
    }
    summary.add("gathered", now);
    return summary.take();
  }

 private:
  static constexpr std::uint64_t kFlagBytes = 64;

  std::size_t ranks() const { return index(work_.ranks); }

  // Returns when the last core is through.
  Picoseconds issue_tokens(int rank, std::vector<Departure>& departures) const {
    const Picoseconds load = costs_.load.time(work_.input_bytes);
    const Picoseconds quantise =
        work_.quantises ? costs_.quantise.time(work_.input_bytes) : Picoseconds::zero();
    Picoseconds end = costs_.entry;
    for (int core = 0; core < costs_.cores; ++core) {
      Picoseconds loaded = costs_.entry;
      Picoseconds quantised = costs_.entry;
      Picoseconds issued = costs_.entry;
      for (int token = core; token < work_.tokens; token += costs_.cores) {
        loaded += load;
        quantised = std::max(quantised, loaded) + quantise;
        issued = std::max(issued, quantised);
        for (int lane = 0; lane < work_.top_k; ++lane) {
          const auto row = index((rank * work_.tokens + token) * work_.top_k + lane);
          departures.push_back({issued, rank, routing_[row], work_.dispatch_row_bytes});
          issued += costs_.issue;
        }
      }
      end = std::max(end, issued);
    }
    return end;
  }

  // What a rank has received, own rows first, then those of the next rank: nobody is everybody's
  // first. By token: the first tokens of all ranks before the second ones.
  std::vector<std::size_t> return_order(int rank) const {
    const auto rows_of_a_rank = index(work_.tokens * work_.top_k);
    std::vector<std::size_t> rows = received_[index(rank)];
    std::rotate(rows.begin(),
                std::lower_bound(rows.begin(), rows.end(), index(rank) * rows_of_a_rank),
                rows.end());
    if (work_.returns_by_token) {
      const auto token = [&](std::size_t row) { return row % rows_of_a_rank / index(work_.top_k); };
      std::stable_sort(rows.begin(), rows.end(),
                       [&](std::size_t a, std::size_t b) { return token(a) < token(b); });
    }
    return rows;
  }

  Picoseconds return_rows(int rank, std::vector<Departure>& departures,
                          std::vector<std::size_t>& row_of) const {
    const Picoseconds load = costs_.load.time(work_.combine_row_bytes);
    const Picoseconds begin = costs_.entry + costs_.count * costs_.share(work_.ranks);
    const std::vector<std::size_t> rows = return_order(rank);
    const auto rows_of_a_rank = index(work_.tokens * work_.top_k);
    Picoseconds end = begin;
    for (std::size_t core = 0; core < index(costs_.cores); ++core) {
      Picoseconds loaded = begin;
      Picoseconds issued = begin;
      for (std::size_t i = core; i < rows.size(); i += index(costs_.cores)) {
        loaded += load;
        issued = std::max(issued, loaded);
        departures.push_back(
            {issued, rank, static_cast<int>(rows[i] / rows_of_a_rank), work_.combine_row_bytes});
        row_of.push_back(rows[i]);
        issued += costs_.issue + costs_.flag;
      }
      end = std::max(end, issued);
    }
    return end;
  }

  const Topology& topology_;
  const Costs& costs_;
  const MoeWorkload& work_;
  const std::vector<int> routing_;                  // [source rank][token][lane]
  std::vector<std::vector<std::size_t>> received_;  // [rank]: rows, by position in the routing
};

}  // namespace

MoeTimes moe_times(const Profile& profile, const MoeWorkload& workload) {
  if (!profile.software) {
    fail(tuttiInvalidArgument, "{}: without 'software' there is nothing to calibrate",
         profile.file);
  }
  if (workload.tokens < 1 || workload.top_k < 1 || workload.top_k > workload.experts) {
    fail(tuttiInvalidArgument, "{} tokens of top-{} over {} experts", workload.tokens,
         workload.top_k, workload.experts);
  }
  Profile wire = profile;  // cores issue their rows here, not in the fabric
  wire.software.reset();
  const Topology topology(wire, {.ranks = workload.ranks});
  const Costs costs(*profile.software, topology.units_per_rank());
  const Steps steps(topology, costs, workload);
  return {.dispatch = steps.dispatch(), .combine = steps.combine()};
}

}  // namespace tutti::calibration
