// Streams run operations beside the caller: communication on one, the next block's compute here,
// and an event that orders two streams.
//
//   tutti-run -n 2 04_streams
#include <array>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <tutti/tutti.hpp>
#include <vector>

namespace {

constexpr int kBlocks = 4;
constexpr std::size_t kCount = 1 << 16;

void compute(std::vector<float>& block, int number) {
  std::iota(block.begin(), block.end(), static_cast<float>(number));
}

int run() {
  auto comm = tutti::Communicator::world();
  std::array<std::vector<float>, kBlocks> blocks;
  std::vector<double> sums;  // written by `bookkeeping` only, read after it is synchronized
  std::array<tutti::Event, kBlocks> reduced;
  tutti::Stream communication,
      bookkeeping;  // last: they end first, and wait for what uses the above

  for (int i = 0; i < kBlocks; ++i) {
    auto& block = blocks[static_cast<std::size_t>(i)];
    block.resize(kCount);
    compute(block, i);  // while earlier blocks are on their way
    comm.all_reduce(block, block, tuttiSum, communication);
    auto& event = reduced[static_cast<std::size_t>(i)];
    event.record(communication);
    bookkeeping.wait(event);  // orders the streams; nobody blocks
    bookkeeping.launch(
        [&block, &sums] { sums.push_back(std::accumulate(block.begin(), block.end(), 0.0)); });
  }
  communication.synchronize();  // throws what failed on the way
  bookkeeping.synchronize();

  bool right = sums.size() == kBlocks;
  for (std::size_t i = 0; right && i < sums.size(); ++i) {
    const double count = kCount, ranks = comm.size();
    right = sums[i] == ranks * (count * static_cast<double>(i) + count * (count - 1) / 2);
    if (comm.rank() == 0) std::printf("block %zu: the sum of its sums is %.0f\n", i, sums[i]);
  }
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const tutti::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
