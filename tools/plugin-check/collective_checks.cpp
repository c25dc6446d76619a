// Tutti's own use of the plugin: whole operations by processes and threads, compared with what must
// come out.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <thread>
#include <tutti/tutti.hpp>
#include <vector>

#include "check.hpp"
#include "processes.hpp"

namespace tutti::plugin_check {

namespace {

using Operations = std::function<void(Communicator& comm)>;

// Before the first use of the library.
void choose(const Plugin& plugin) {
  ::setenv("TUTTI_TRANSPORT", "plugin", 1);
  ::setenv("TUTTI_TRANSPORT_PLUGIN", plugin.file.c_str(), 1);
  ::setenv("TUTTI_TIMEOUT_MS", "20000", 1);
  ::setenv("TUTTI_DEBUG", "NONE", 0);
  ::setenv("TUTTI_SOCKET_IFNAME", "lo", 0);  // where they meet
}

Communicator join(int rank, int ranks, Processes::Page& page) {
  if (rank == 0) {
    page.id = unique_id();
    page.has_id.store(true, std::memory_order_release);
  }
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!page.has_id.load(std::memory_order_acquire)) {
    expect(std::chrono::steady_clock::now() < end, "rank 0 does not say where ranks meet");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Communicator::join(page.id, rank, ranks);
}

void on_processes(const Plugin& plugin, int ranks, const Operations& operations) {
  Processes all(ranks, [&](int rank, Processes::Page& page) {
    choose(plugin);
    Communicator comm = join(rank, ranks, page);
    operations(comm);
  });
  all.wait_for_all();
}

int value_of(int rank, std::size_t i) { return rank * 1000 + static_cast<int>(i % 977); }

void all_reduce_of(Communicator& comm, std::size_t count) {
  std::vector<int> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of(comm.rank(), i);
  comm.all_reduce(values, values);
  for (std::size_t i = 0; i < count; ++i) {
    int sum = 0;
    for (int rank = 0; rank < comm.size(); ++rank) sum += value_of(rank, i);
    expect(values[i] == sum, "all-reduce of {} ints: element {} is {}, and should be {}", count, i,
           values[i], sum);
  }
}

void all_to_all_of(Communicator& comm, std::size_t row) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<int> sent(ranks * row);
  std::vector<int> came(ranks * row, -1);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sent[i] = value_of(comm.rank(), i / row * 50 + i % row);
  }
  comm.all_to_all(sent, came);
  for (std::size_t i = 0; i < came.size(); ++i) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    const int right = value_of(static_cast<int>(i / row), rank * 50 + i % row);
    expect(came[i] == right, "all-to-all of {} ints a row: element {} is {}, and should be {}", row,
           i, came[i], right);
  }
}

constexpr std::size_t kSizes[] = {1, 6, 1000, 70'001};

void all_reduces(Communicator& comm) {
  for (const std::size_t count : kSizes) all_reduce_of(comm, count);
  for (int i = 0; i < 200; ++i) all_reduce_of(comm, 3);
}

void all_to_alls(Communicator& comm) {
  for (const std::size_t row : kSizes) all_to_all_of(comm, row);
  for (int i = 0; i < 200; ++i) all_to_all_of(comm, 2);
}

// Two experts a rank, each multiplies by its number + 1; each token visits two. The values and
// weights are such that every sum is exact.
void moe_step(MoeGroup& group, Communicator& comm, int step) {
  constexpr std::size_t kHidden = 300;
  constexpr std::size_t kTokens = 40;
  const int experts = 2 * comm.size();
  MoePlan plan(group);
  std::vector<float> tokens;
  std::vector<float> weights;
  std::vector<std::int32_t> chosen;
  for (std::size_t t = 0; t < kTokens; ++t) {
    const int first = (comm.rank() * 5 + static_cast<int>(t) * 3 + step) % experts;
    const int second = (first + 1 + static_cast<int>(t) % (experts - 1)) % experts;
    tokens.insert(tokens.end(), kHidden,
                  static_cast<float>(comm.rank() * 64 + static_cast<int>(t)));
    chosen.insert(chosen.end(), {first, second});
    weights.insert(weights.end(), {0.25F, 0.5F});
  }
  plan.update(chosen, 2);
  const auto counts = plan.counts(tuttiMoeLayoutExpert);
  const auto arrived = plan.dispatch(tokens, kHidden, weights, tuttiMoeLayoutExpert);
  const std::span rows(static_cast<float*>(arrived.rows), arrived.num_rows * kHidden);
  const auto local = group.local_experts();
  for (std::size_t e = 0; e < local.size(); ++e) {
    const auto begin = static_cast<std::size_t>(counts.expert_offsets[e]) * kHidden;
    const auto end = static_cast<std::size_t>(counts.expert_offsets[e + 1]) * kHidden;
    for (float& x : rows.subspan(begin, end - begin)) x *= static_cast<float>(local[e] + 1);
  }
  std::vector<float> out(tokens.size());
  plan.combine(rows, kHidden, out, tuttiMoeSourceOnly);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t t = i / kHidden;
    const float right = tokens[i] * (0.25F * static_cast<float>(chosen[2 * t] + 1) +
                                     0.5F * static_cast<float>(chosen[2 * t + 1] + 1));
    expect(out[i] == right, "MoE step {}: element {} of token {} is {}, and should be {}", step,
           i % kHidden, t, out[i], right);
  }
}

void moe_steps(Communicator& comm) {
  tuttiMoeConfig_t config = moe_config();
  config.num_experts = 2 * comm.size();
  config.max_tokens_per_rank = 40;
  config.max_topk = 2;
  config.max_row_bytes = 300 * sizeof(float);
  MoeGroup group(comm, config);
  for (int step = 0; step < 10; ++step) moe_step(group, comm, step);
}

std::string all_reduce(const Plugin& plugin) {
  on_processes(plugin, 4, all_reduces);
  return "";
}

std::string all_to_all(const Plugin& plugin) {
  on_processes(plugin, 4, all_to_alls);
  return "";
}

std::string moe(const Plugin& plugin) {
  on_processes(plugin, 3, moe_steps);
  return "";
}

// All ranks are behind one endpoint, which sends to itself.
std::string rank_threads(const Plugin& plugin) {
  Processes one(1, [&](int, Processes::Page&) {
    choose(plugin);
    auto comms = Communicator::all(3);
    std::vector<std::string> complaints(comms.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t rank = 0; rank < comms.size(); ++rank) {
        threads.emplace_back([&, rank] {
          try {
            all_reduces(comms[rank]);
            moe_steps(comms[rank]);
          } catch (const std::exception& error) {
            complaints[rank] = error.what();
          }
        });
      }
    }
    for (const std::string& complaint : complaints) expect(complaint.empty(), "{}", complaint);
  });
  one.wait_for_all();
  return "";
}

std::string rank_dies(const Plugin& plugin) {
  constexpr int kRanks = 3;
  constexpr int kVictim = 1;  // "rank 1 " below
  Processes all(kRanks, [&](int rank, Processes::Page& page) {
    choose(plugin);
    Communicator comm = join(rank, kRanks, page);
    all_reduce_of(comm, 1000);
    page.meet(kRanks + 1, 1);
    while (rank == kVictim) ::pause();
    try {
      for (int i = 0; i < 10; ++i) all_reduce_of(comm, 1000);
    } catch (const Error& error) {
      const bool names_it = std::string_view(error.what()).find("rank 1 ") != std::string::npos;
      expect(error.code() == tuttiRemoteError && names_it,
             "rank {} was killed, and rank {} says: {}", kVictim, rank, error.what());
      return;
    }
    failed("rank {} was killed, and rank {} goes on", kVictim, rank);
  });
  all.page().meet(kRanks + 1, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the others wait for it
  all.kill(kVictim);
  all.wait_for_all();
  return "";
}

constexpr Check kCollectiveChecks[] = {
    {"all_reduce", "all-reduce by four processes, small and large", all_reduce},
    {"all_to_all", "all-to-all by four processes, small and large", all_to_all},
    {"moe", "MoE dispatch and combine by three processes", moe},
    {"rank_threads", "all-reduce and MoE by three threads, which are one endpoint", rank_threads},
    {"rank_dies", "when a process is killed, the others hear that it was, by name", rank_dies},
};

}  // namespace

std::span<const Check> collective_checks() { return kCollectiveChecks; }

}  // namespace tutti::plugin_check
