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

float* floats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }

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

Loop all_reduce_staged(std::size_t bytes, const Chunks& chunks) {
  return {"all_reduce_plain", chunks.name(), bytes,
          [=, plain = std::make_shared<PlainBuffers>()](Side& side, std::size_t iterations) {
            plain->need(bytes);
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              through_staging(side, plain->in.data(), bytes, chunks,
                              [&](std::byte* theirs, std::size_t at, std::size_t length) {
                                add_f32(floats(plain->out.data() + at),
                                        floats(plain->in.data() + at), floats(theirs),
                                        length / sizeof(float));
                              });
              side.exchange();
            }
          }};
}

// Each rank reads a half, adds to it, and then reads the other half's sum.
Loop all_reduce_by_kernel(std::size_t bytes) {
  return {"all_reduce_plain",
          "copy by kernel",
          bytes,
          [=, plain = std::make_shared<PlainBuffers>()](Side& side, std::size_t iterations) {
            plain->need(bytes);
            const std::size_t half = bytes / 2;
            const std::size_t mine = side.rank() == 0 ? 0 : half, other = half - mine;
            std::byte* const in = plain->in.data();
            std::byte* const out = plain->out.data();
            const std::uint64_t their_out = side.exchange(address_of(out));
            for (std::size_t i = 0; i < iterations; ++i) {
              const std::uint64_t their_in = side.exchange(address_of(in));
              side.read_theirs(out + mine, their_in + mine, half);
              add_f32(floats(out + mine), floats(out + mine), floats(in + mine),
                      half / sizeof(float));
              side.exchange();
              side.read_theirs(out + other, their_out + other, half);
              side.exchange();
            }
          },
          {},
          true};
}

Loop all_to_all_staged(std::size_t bytes, const Chunks& chunks) {
  return {"all_to_all_plain", chunks.name(), bytes,
          [=, plain = std::make_shared<PlainBuffers>()](Side& side, std::size_t iterations) {
            plain->need(2 * bytes);
            const auto rank = static_cast<std::size_t>(side.rank());
            std::byte* const in = plain->in.data();
            std::byte* const out = plain->out.data();
            for (std::size_t i = 0; i < iterations; ++i) {
              side.exchange();
              through_staging(side, in + (1 - rank) * bytes, bytes, chunks,
                              [&](const std::byte* theirs, std::size_t at, std::size_t length) {
                                copy_bytes(out + (1 - rank) * bytes + at, theirs, length);
                              });
              copy_bytes(out + rank * bytes, in + rank * bytes, bytes);
              side.exchange();
            }
          }};
}

Loop all_to_all_by_kernel(std::size_t bytes) {
  return {"all_to_all_plain",
          "copy by kernel",
          bytes,
          [=, plain = std::make_shared<PlainBuffers>()](Side& side, std::size_t iterations) {
            plain->need(2 * bytes);
            const auto rank = static_cast<std::size_t>(side.rank());
            std::byte* const in = plain->in.data();
            std::byte* const out = plain->out.data();
            for (std::size_t i = 0; i < iterations; ++i) {
              const std::uint64_t theirs = side.exchange(address_of(in));
              side.read_theirs(out + (1 - rank) * bytes, theirs + rank * bytes, bytes);
              copy_bytes(out + rank * bytes, in + rank * bytes, bytes);
              side.exchange();
            }
          },
          {},
          true};
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
