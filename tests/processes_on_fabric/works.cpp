#include "works.hpp"

#include <signal.h>
#include <tutti/sim.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

namespace tutti::test {

namespace {

void need(bool right, const char* what) {
  if (!right) throw std::runtime_error(std::string("wrong: ") + what);
}

std::uint64_t now() {
  std::uint64_t time = 0;
  need(tuttiSimGetTime(&time) == tuttiSuccess, "tuttiSimGetTime");
  return time;
}

void barrier(const Communicator& comm) { detail::check(tuttiBarrier(comm.get(), nullptr)); }

// `values` and `sums` are anybody's memory.
void all_reduce(Communicator& comm, std::span<float> values, std::span<float> sums) {
  const auto ranks = static_cast<float>(comm.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(comm.rank()) + static_cast<float>(i % 7);
  }
  comm.all_reduce(values, sums);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    need(sums[i] == ranks * (ranks - 1) / 2 + ranks * static_cast<float>(i % 7), "all_reduce");
  }
}

void all_reduces(Communicator& comm, std::size_t largest) {
  for (std::size_t count = 2; count <= largest; count *= 8) {
    std::vector<float> values(count), sums(count);
    all_reduce(comm, values, sums);
    Buffer<float> own_values(count), own_sums(count);
    all_reduce(comm, own_values.span(), own_sums.span());
  }
}

void exchanges(Communicator& comm, std::size_t count) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const auto rank = static_cast<std::size_t>(comm.rank());
  std::vector<std::uint32_t> rows(ranks * count), arrived(ranks * count);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<std::uint32_t>(rank * rows.size() + i);
  }
  comm.all_to_all(rows, arrived);
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    need(arrived[i] == (i / count) * rows.size() + rank * count + i % count, "all_to_all");
  }
  Buffer<std::uint32_t> own(count), all(ranks * count);
  std::iota(own.span().begin(), own.span().end(), static_cast<std::uint32_t>(rank * count));
  comm.all_gather(own.span(), all.span());
  for (std::size_t i = 0; i < all.size(); ++i) need(all.span()[i] == i, "all_gather");
}

void messages(Communicator& comm, std::size_t count) {
  const int next = (comm.rank() + 1) % comm.size();
  const int before = (comm.rank() + comm.size() - 1) % comm.size();
  std::vector<int> out(count, comm.rank()), in(count, -1);
  Group group;
  comm.send(out, next);
  comm.recv(in, before);
  group.commit();
  need(in == std::vector<int>(count, before), "send and recv");
}

void collectives(Communicator& comm) {
  barrier(comm);
  all_reduces(comm, 100'000);
  exchanges(comm, 16);
  exchanges(comm, 5000);
  messages(comm, 3);
  messages(comm, 50'000);
  auto half = comm.split(comm.rank() % 2, 0);
  all_reduces(*half, 1000);
  std::vector<int> root(1000, comm.rank() == 1 ? 7 : 0);
  comm.broadcast(root, 1);
  need(root == std::vector<int>(1000, 7), "broadcast");
  comm.finalize();
}

// Whether it is one that only a rank that knows what the bus costs takes.
bool follows_costs(std::string_view algorithm) {
  return algorithm.find("push") != algorithm.npos || algorithm.starts_with("relay") ||
         algorithm == "scatter_gather";
}

// Collectives of sizes through all that a model of the costs chooses. Returns how many calls ran an
// algorithm that nobody takes who does not know them.
int choices(Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  int by_costs = 0;
  const auto note = [&] { by_costs += follows_costs(comm.algorithm()) ? 1 : 0; };
  for (const std::size_t count : {2u, 64u, 1024u, 16'384u}) {
    Buffer<float> values(count), sums(count);
    all_reduce(comm, values.span(), sums.span());
    note();
    exchanges(comm, count);
    std::vector<int> root(count, comm.rank() == 1 ? 7 : 0);
    comm.broadcast(root, 1);
    note();
    need(root == std::vector<int>(count, 7), "broadcast");
    std::vector<int> blocks(ranks * count, comm.rank()), block(count);
    comm.reduce_scatter(blocks, block);
    note();
    need(block == std::vector<int>(count, static_cast<int>(ranks * (ranks - 1) / 2)),
         "reduce_scatter");
    barrier(comm);
    note();
  }
  return by_costs;
}

// Parts that lie in one node, and parts that lie across all: other paths, other choices.
void choices_of_parts(Communicator& comm) {
  auto neighbours = comm.split(comm.rank() / 8, 0);
  choices(*neighbours);
  auto apart = comm.split(comm.rank() % 3, -comm.rank());
  choices(*apart);
  auto part = apart->split(apart->rank() % 2, 0);
  all_reduces(*part, 5000);
  exchanges(*part, 300);
}

constexpr int kTopK = 4;
constexpr std::size_t kHidden = 64;

tuttiMoeConfig_t two_experts_a_rank(const Communicator& comm, int tokens) {
  tuttiMoeConfig_t config = moe_config();
  config.num_experts = 2 * comm.size();
  config.max_tokens_per_rank = tokens;
  config.max_topk = kTopK;
  config.max_row_bytes = kHidden * sizeof(float);
  return config;
}

// Row t of rank r is r * tokens + t, and goes to the two experts of each of the next two ranks.
void dispatch(Communicator& comm, int tokens) {
  barrier(comm);
  MoeGroup group(comm, two_experts_a_rank(comm, tokens));
  MoePlan plan(group);
  std::vector<std::int32_t> ids;
  std::vector<float> rows;
  for (int token = 0; token < tokens; ++token) {
    for (int lane = 0; lane < kTopK; ++lane) {
      ids.push_back((2 * (comm.rank() + 1 + lane / 2) + lane % 2) % (2 * comm.size()));
    }
    rows.insert(rows.end(), kHidden, static_cast<float>(comm.rank() * tokens + token));
  }
  plan.update(ids, kTopK);
  const std::vector<float> weights(ids.size(), 1.0f);
  auto arrived = plan.dispatch(rows, kHidden, weights, tuttiMoeLayoutToken);
  need(arrived.num_rows == 2 * static_cast<std::size_t>(tokens), "number of rows");
  std::vector<int> sources{(comm.rank() + comm.size() - 2) % comm.size(),
                           (comm.rank() + comm.size() - 1) % comm.size()};
  std::sort(sources.begin(), sources.end());
  for (std::size_t row = 0; row < arrived.num_rows; ++row) {
    const auto n = static_cast<std::size_t>(tokens);
    const auto value = static_cast<float>(sources[row / n] * tokens + static_cast<int>(row % n));
    const float* const there = static_cast<const float*>(arrived.rows) + row * kHidden;
    need(std::all_of(there, there + kHidden, [&](float x) { return x == value; }), "dispatch");
  }
}

// Rows of 64 floats; expert e multiplies by e + 1. Twice, so that plans and slots are used again.
void moe(Communicator& comm, int tokens) {
  const int experts = 2 * comm.size();
  MoeGroup group(comm, two_experts_a_rank(comm, tokens));
  MoePlan plan(group);
  for (int step = 0; step < 2; ++step) {
    std::vector<std::int32_t> ids;
    std::vector<float> rows, expected;
    const std::vector<float> weights(static_cast<std::size_t>(tokens * kTopK), 0.5f);
    for (int token = 0; token < tokens; ++token) {
      float sum = 0;
      for (int lane = 0; lane < kTopK; ++lane) {
        const int id = (comm.rank() * 5 + token * 3 + lane * 7 + step) % experts;
        bool taken = false;
        for (int other = 0; other < lane; ++other) {
          taken = taken || ids[ids.size() - 1 - static_cast<std::size_t>(other)] == id;
        }
        ids.push_back(taken ? -1 : id);
        if (!taken) sum += 0.5f * static_cast<float>(id + 1);
      }
      const auto value = static_cast<float>(comm.rank() + token % 5);
      rows.insert(rows.end(), kHidden, value);
      expected.insert(expected.end(), kHidden, value * sum);
    }
    plan.update(ids, kTopK);
    const auto counts = plan.counts(tuttiMoeLayoutExpert);
    auto arrived = plan.dispatch(rows, kHidden, weights, tuttiMoeLayoutExpert);
    const std::span<float> there(static_cast<float*>(arrived.rows), arrived.num_rows * kHidden);
    const auto local = group.local_experts();
    for (std::size_t e = 0; e < local.size(); ++e) {
      const auto from = static_cast<std::size_t>(counts.expert_offsets[e]) * kHidden;
      const auto to = static_cast<std::size_t>(counts.expert_offsets[e + 1]) * kHidden;
      for (std::size_t i = from; i < to; ++i) there[i] *= static_cast<float>(local[e] + 1);
    }
    std::vector<float> out(rows.size());
    plan.combine(there, kHidden, out, tuttiMoeSourceOnly);
    need(out == expected, "combine");
  }
}

// In memory of Tutti, whose contents nobody looks at: a run for timing only has none. What lies
// elsewhere is moved in any case.
void payload(Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  for (const std::size_t count : {2u, 1000u, 100'000u}) {
    Buffer<float> values(count), sums(count), all(ranks * count), exchanged(ranks * count);
    comm.all_reduce(values.span(), sums.span());
    comm.all_gather(values.span(), all.span());
    comm.all_to_all(all.span(), exchanged.span());
    comm.broadcast(sums.span(), 0);
    Group group;
    comm.send(sums.span(), (comm.rank() + 1) % comm.size());
    comm.recv(values.span(), (comm.rank() + comm.size() - 1) % comm.size());
    group.commit();
    messages(comm, 100);
  }
  constexpr int kTokens = 20;
  MoeGroup group(comm, two_experts_a_rank(comm, kTokens));
  MoePlan plan(group);
  std::vector<std::int32_t> ids;
  std::size_t mine = 0;  // of the lanes of a rank
  for (int lane = 0; lane < kTokens * kTopK; ++lane) {
    ids.push_back(lane % (2 * comm.size()));
    if (ids.back() / 2 == comm.rank()) ++mine;
  }
  const std::vector<float> weights(ids.size(), 0.25f);
  Buffer<float> rows(kTokens * kHidden), out(kTokens * kHidden);
  for (const tuttiMoeLayout_t layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    plan.update(ids, kTopK);
    const auto arrived = plan.dispatch(rows.span(), kHidden, weights, layout);
    if (layout == tuttiMoeLayoutExpert) {
      need(arrived.num_rows == ranks * mine, "number of rows");
    }
    const std::span<const float> there(static_cast<float*>(arrived.rows),
                                       arrived.num_rows * kHidden);
    plan.combine(there, kHidden, out.span(),
                 layout == tuttiMoeLayoutToken ? tuttiMoeRankOrder : tuttiMoeSourceOnly);
  }
}

// Two streams of all-reduces beside computation, ordered by events.
void streams(Communicator& comm) {
  auto other = comm.split(0, 0);
  std::array<std::vector<float>, 4> blocks;
  std::vector<double> sums;
  {
    Event reduced;
    Stream communication, more, bookkeeping;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      auto& block = blocks[i];
      block.assign(5000, static_cast<float>(i));
      comm.all_reduce(block, block, tuttiSum, communication);
      detail::check(tuttiSimCompute(other->get(), 3000, more));
      detail::check(tuttiBarrier(other->get(), more));
      reduced.record(communication);
      bookkeeping.wait(reduced);
      bookkeeping.launch(
          [&block, &sums] { sums.push_back(std::accumulate(block.begin(), block.end(), 0.0)); });
      detail::check(tuttiSimCompute(comm.get(), 1000, nullptr));
    }
    while (!bookkeeping.idle()) continue;
    communication.synchronize();
    more.synchronize();
  }
  need(sums.size() == blocks.size(), "bookkeeping");
  for (std::size_t i = 0; i < sums.size(); ++i) {
    need(sums[i] == 5000.0 * static_cast<double>(i) * comm.size(), "streams");
  }
}

// A thread that the program starts itself has no virtual time.
void on_own_thread(Communicator& comm) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      barrier(comm);
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

void computation(Communicator& comm) {
  const std::uint64_t start = now();
  detail::check(tuttiSimCompute(comm.get(), 1234, nullptr));
  need(now() - start == 1'234'000, "tuttiSimCompute");
  barrier(comm);
}

}  // namespace

Work find_work(const std::string& name, int argument) {
  // The rank of that number, or another one.
  const auto chosen = [argument](Communicator& comm) { return comm.rank() == argument; };
  const std::map<std::string, Work> works{
      {"barrier", barrier},
      {"collectives", collectives},
      {"choices",
       [](Communicator& comm) { need(choices(comm) > 4, "few choices follow the bus's costs"); }},
      {"choices_of_parts", choices_of_parts},
      {"all_reduce", [](Communicator& comm) { all_reduces(comm, 100); }},
      {"moe", [argument](Communicator& comm) { moe(comm, argument); }},
      {"dispatch", [argument](Communicator& comm) { dispatch(comm, argument); }},
      {"payload", payload},
      {"streams", streams},
      {"compute", computation},
      {"splits",
       [argument](Communicator& comm) {
         for (int i = 0; i < argument; ++i) barrier(*comm.split(i % 2, comm.rank()));
       }},
      {"thread", on_own_thread},
      {"die",
       [chosen](Communicator& comm) {
         barrier(comm);
         if (chosen(comm)) ::kill(::getpid(), SIGKILL);
         barrier(comm);
       }},
      {"leave",
       [chosen](Communicator& comm) {
         barrier(comm);
         if (chosen(comm)) std::_Exit(0);
         barrier(comm);
       }},
      {"barriers",
       [argument](Communicator& comm) {
         for (int i = 0; i < argument; ++i) barrier(comm);
       }},
      {"sleep",
       [chosen](Communicator& comm) {
         barrier(comm);
         if (chosen(comm)) ::sleep(1000);
         barrier(comm);
       }},
      // Sleeps outside with the others waiting: killed from outside while they have no turn.
      {"miss",
       [chosen](Communicator& comm) {
         barrier(comm);
         if (!chosen(comm)) barrier(comm);
         if (chosen(comm)) {
           std::vector<int> never(1);
           comm.recv(never, (comm.rank() + 1) % comm.size());
         }
       }},
  };
  const auto found = works.find(name);
  return found != works.end() ? found->second : Work();
}

}  // namespace tutti::test
