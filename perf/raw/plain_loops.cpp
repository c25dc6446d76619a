// all_reduce of float and all_to_all between buffers of malloc: bytes are either copied twice,
// through shared memory in chunks that stay in a cache, or once by the kernel.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "perf/raw/kernels.hpp"
#include "perf/raw/loops.hpp"

namespace tutti::raw {
namespace {

// Each process fills its own in its first iteration.
struct PlainBuffers {
  std::vector<std::byte> in, out;

  void need(std::size_t bytes) {
    if (in.size() >= bytes) return;
    in.assign(bytes, std::byte{1});
    out.assign(bytes, std::byte{0});
  }
};

struct Chunks {
  std::size_t bytes;
  bool streamed;  // into staging by stores that bypass the caches

  std::string name() const {
    return fmt::format("staging, {} KB{}", bytes / 1024, streamed ? ", streaming" : "");
  }
};

std::uint64_t address_of(const std::byte* memory) {
  return reinterpret_cast<std::uintptr_t>(memory);
}

// Calls use(chunk of the other side's `from`, offset, bytes) for all `bytes` of it. A slot is
// written again two chunks later, when the exchange between has told that the other side has read
// it.
template <class Use>
void through_staging(Side& side, const std::byte* from, std::size_t bytes, const Chunks& chunks,
                     const Use& use) {
  std::size_t slot = 0;
  for (std::size_t at = 0; at < bytes; at += chunks.bytes, slot = chunks.bytes - slot) {
    const std::size_t length = std::min(chunks.bytes, bytes - at);
    (chunks.streamed ? copy_bytes_streamed : copy_bytes)(side.mine().staging + slot, from + at,
                                                         length);
    side.exchange();
    use(side.theirs().staging + slot, at, length);
  }
}

// A loop whose iterations are step(side, in, out) on this process's own buffers, between two
// meetings.
template <typename Step>
Loop plain_loop(const char* op, const std::string& variant, std::size_t bytes,
                std::size_t buffer_bytes, const Step& step) {
  return {op, variant, bytes,
          [=, plain = std::make_shared<PlainBuffers>()](Side& side, std::size_t iterations) {
            plain->need(buffer_bytes);
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              step(side, plain->in.data(), plain->out.data());
              side.exchange();
            }
          }};
}

template <typename Step>
Loop kernel_loop(const char* op, std::size_t bytes, std::size_t buffer_bytes, const Step& step) {
  Loop loop = plain_loop(op, "copy by kernel", bytes, buffer_bytes, step);
  loop.by_kernel = true;
  return loop;
}

Loop all_reduce_staged(std::size_t bytes, const Chunks& chunks) {
  return plain_loop("all_reduce_plain", chunks.name(), bytes, bytes,
                    [=](Side& side, std::byte* in, std::byte* out) {
                      through_staging(side, in, bytes, chunks,
                                      [&](std::byte* theirs, std::size_t at, std::size_t length) {
                                        add_f32(floats(out + at), floats(in + at), floats(theirs),
                                                length / sizeof(float));
                                      });
                    });
}

// Each rank reads a half, adds to it, and then reads the other half's sum.
Loop all_reduce_by_kernel(std::size_t bytes) {
  return kernel_loop("all_reduce_plain", bytes, bytes,
                     [half = bytes / 2](Side& side, std::byte* in, std::byte* out) {
                       const std::size_t mine = side.rank() == 0 ? 0 : half, other = half - mine;
                       const std::uint64_t their_in = side.exchange(address_of(in));
                       side.read_theirs(out + mine, their_in + mine, half);
                       add_f32(floats(out + mine), floats(out + mine), floats(in + mine),
                               half / sizeof(float));
                       const std::uint64_t their_out = side.exchange(address_of(out));
                       side.read_theirs(out + other, their_out + other, half);
                     });
}

void copy_own_block(const Side& side, const std::byte* in, std::byte* out, std::size_t bytes) {
  const auto rank = static_cast<std::size_t>(side.rank());
  copy_bytes(out + rank * bytes, in + rank * bytes, bytes);
}

Loop all_to_all_staged(std::size_t bytes, const Chunks& chunks) {
  return plain_loop("all_to_all_plain", chunks.name(), bytes, 2 * bytes,
                    [=](Side& side, std::byte* in, std::byte* out) {
                      const std::size_t others = static_cast<std::size_t>(1 - side.rank()) * bytes;
                      through_staging(
                          side, in + others, bytes, chunks,
                          [&](const std::byte* theirs, std::size_t at, std::size_t length) {
                            copy_bytes(out + others + at, theirs, length);
                          });
                      copy_own_block(side, in, out, bytes);
                    });
}

Loop all_to_all_by_kernel(std::size_t bytes) {
  return kernel_loop("all_to_all_plain", bytes, 2 * bytes,
                     [=](Side& side, std::byte* in, std::byte* out) {
                       const auto rank = static_cast<std::size_t>(side.rank());
                       const std::uint64_t theirs = side.exchange(address_of(in));
                       side.read_theirs(out + (1 - rank) * bytes, theirs + rank * bytes, bytes);
                       copy_own_block(side, in, out, bytes);
                     });
}

}  // namespace

std::vector<Loop> plain_loops() {
  constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
  std::vector<Loop> loops;
  const auto add = [&](std::size_t bytes, const auto& staged, const auto& by_kernel) {
    for (std::size_t chunk : {32 * kKiB, 128 * kKiB}) {
      if (chunk > bytes) continue;
      for (bool streamed : {false, true}) loops.push_back(staged(bytes, Chunks{chunk, streamed}));
    }
    loops.push_back(by_kernel(bytes));
  };
  for (std::size_t bytes : {32 * kKiB, 256 * kKiB, 2 * kMiB}) {
    add(bytes, all_reduce_staged, all_reduce_by_kernel);
  }
  for (std::size_t bytes : {32 * kKiB, 256 * kKiB, 2 * kMiB, 4 * kMiB}) {
    add(bytes, all_to_all_staged, all_to_all_by_kernel);
  }
  return loops;
}

}  // namespace tutti::raw
