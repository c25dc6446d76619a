// Ranks as threads of one process; and one thread that drives all ranks, inside a group.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <tutti/tutti.hpp>
#include <vector>

namespace {

constexpr int kRanks = 4;

// A thread per rank: each calls like a process of its own would.
int sum_with_threads(std::vector<tutti::Communicator>& comms) {
  std::vector<int> sums(kRanks);
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < kRanks; ++rank) {
      threads.emplace_back([&comm = comms[static_cast<std::size_t>(rank)],
                            &sum = sums[static_cast<std::size_t>(rank)],
                            rank] { comm.all_reduce(std::vector{rank + 1}, std::span(&sum, 1)); });
    }
  }
  for (const int sum : sums) std::printf("threads: every rank has %d\n", sum);
  return sums == std::vector(kRanks, 10) ? 0 : 1;
}

// One thread for all: without the group, the first call would wait for ranks that nobody runs.
int exchange_in_a_group(std::vector<tutti::Communicator>& comms) {
  std::vector<int> sent(kRanks), received(kRanks, -1);
  tutti::Group group;
  for (int rank = 0; rank < kRanks; ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    sent[i] = 100 + rank;
    comms[i].send(std::span(&sent[i], 1), (rank + 1) % kRanks);
    comms[i].recv(std::span(&received[i], 1), (rank + kRanks - 1) % kRanks);
  }
  group.commit();  // runs all eight at once, in whatever order they can
  for (int rank = 0; rank < kRanks; ++rank) {
    std::printf("group: rank %d received %d\n", rank, received[static_cast<std::size_t>(rank)]);
  }
  return received == std::vector{103, 100, 101, 102} ? 0 : 1;
}

}  // namespace

int main() {
  try {
    auto comms = tutti::Communicator::all(kRanks);
    const int wrong = sum_with_threads(comms) + exchange_in_a_group(comms);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const tutti::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
