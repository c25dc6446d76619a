// Flag exchange, all_reduce of float and all_to_all between two ranks.
#include <bit>

#include "perf/raw/kernels.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {
namespace {

Loop flag_exchange() {
  return {"flag_exchange", "own line, other line", 0, [](Side& side, std::size_t iterations) {
            for (std::size_t i = 0; i < iterations; ++i) side.exchange();
          }};
}

// Two floats ride on the flag: one exchange is the whole operation.
Loop all_reduce_line() {
  return {"all_reduce", "in the flag's line", 8, [](Side& side, std::size_t iterations) {
            struct Pair {
              float a, b;
            };
            for (std::size_t i = 0; i < iterations; ++i) {
              const auto mine =
                  std::bit_cast<Pair>(*reinterpret_cast<const std::uint64_t*>(side.mine().in));
              const auto theirs =
                  std::bit_cast<Pair>(side.exchange(std::bit_cast<std::uint64_t>(mine)));
              float* out = floats(side.mine().out);
              out[0] = mine.a + theirs.a;
              out[1] = mine.b + theirs.b;
            }
          }};
}

// Each rank reads both inputs and writes its own output.
Loop all_reduce_one_shot(std::size_t bytes) {
  return {"all_reduce", "one shot", bytes, [bytes](Side& side, std::size_t iterations) {
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              add_f32(floats(side.mine().out), floats(side.of(0).in), floats(side.of(1).in),
                      bytes / sizeof(float));
              side.exchange();
            }
          }};
}

// Each rank reduces one half and writes it to both outputs.
Loop all_reduce_two_shot(std::size_t bytes) {
  return {"all_reduce", "two shot", bytes, [bytes](Side& side, std::size_t iterations) {
            const std::size_t half = bytes / 2;
            const std::size_t begin = side.rank() == 0 ? 0 : half;
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              add_f32_twice(floats(side.mine().out + begin), floats(side.theirs().out + begin),
                            floats(side.of(0).in + begin), floats(side.of(1).in + begin),
                            half / sizeof(float));
              side.exchange();
            }
          }};
}

// Each rank pulls its own block and the other's.
Loop all_to_all(std::size_t bytes, bool streamed) {
  return {"all_to_all", streamed ? "pull, streaming stores" : "pull", bytes,
          [bytes, streamed](Side& side, std::size_t iterations) {
            const auto copy_block = streamed ? copy_bytes_streamed : copy_bytes;
            const auto rank = static_cast<std::size_t>(side.rank());
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              copy_block(side.mine().out + (1 - rank) * bytes, side.theirs().in + rank * bytes,
                         bytes);
              copy_block(side.mine().out + rank * bytes, side.mine().in + rank * bytes, bytes);
              side.exchange();
            }
          }};
}

}  // namespace

std::vector<Loop> collective_loops() {
  constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
  std::vector<Loop> loops{flag_exchange(), all_reduce_line()};
  for (std::size_t bytes : {std::size_t{8}, 4 * kKiB, 32 * kKiB, 256 * kKiB, 2 * kMiB}) {
    loops.push_back(all_reduce_one_shot(bytes));
    if (bytes >= 4 * kKiB) loops.push_back(all_reduce_two_shot(bytes));
  }
  for (std::size_t bytes : {std::size_t{8}, 32 * kKiB, 256 * kKiB, 2 * kMiB, 4 * kMiB}) {
    loops.push_back(all_to_all(bytes, false));
    if (bytes >= 256 * kKiB) loops.push_back(all_to_all(bytes, true));
  }
  return loops;
}

}  // namespace tutti::raw
