// Small operations in all the ways that a channel offers; each checks what it receives.
#pragma once

#include "tests/channel/channel_ranks.hpp"

namespace tutti::test {

inline void post_entries(const Operation& operation) {
  for (int i = 1; i < operation.ranks(); ++i) {
    LineContent content = content_of(token_of(operation, operation.rank()));
    operation.post((operation.rank() + i) % operation.ranks(), Phase::kEntry, content);
  }
}

inline void await_entries(const Operation& operation) {
  for (Rank peer = 0; peer < operation.ranks(); ++peer) {
    if (peer == operation.rank()) continue;
    EXPECT_EQ(token_in(operation.wait(peer, Phase::kEntry)), token_of(operation, peer))
        << "sequence " << operation.sequence();
  }
}

// Everybody tells everybody.
inline void all_to_all(const Operation& operation) {
  post_entries(operation);
  await_entries(operation);
}

// One way: the root does not hear of the others.
inline void one_way(const Operation& operation, Rank root) {
  if (operation.rank() == root) {
    post_entries(operation);
  } else {
    EXPECT_EQ(token_in(operation.wait(root, Phase::kEntry)), token_of(operation, root))
        << "sequence " << operation.sequence();
  }
}

// One counter, one result.
inline void assembly(const Operation& operation) {
  std::uint64_t sum = 0;
  for (Rank peer = 0; peer < operation.ranks(); ++peer) sum += token_of(operation, peer);
  LineContent content = content_of(token_of(operation, operation.rank()));
  if (operation.arrive(content)) {
    std::uint64_t brought = 0;
    for (Rank peer = 0; peer < operation.ranks(); ++peer) {
      brought += token_in(operation.brought(peer));
    }
    EXPECT_EQ(brought, sum) << "sequence " << operation.sequence();
    content = content_of(brought);
    operation.publish(content);
  } else {
    EXPECT_EQ(token_in(operation.await_published()), sum) << "sequence " << operation.sequence();
  }
}

// A stream of chunks from every rank to the next, two in flight.
inline void staged_ring(const Operation& operation, unsigned chunks) {
  constexpr std::size_t kChunk = 256;
  const Rank next = (operation.rank() + 1) % operation.ranks();
  const Rank previous = (operation.rank() + operation.ranks() - 1) % operation.ranks();
  const std::span<std::byte> staging = operation.claim_staging();
  ASSERT_GE(staging.size(), 2 * kChunk);
  const auto value = [&operation](Rank source, unsigned step) {
    return static_cast<unsigned char>(token_of(operation, source) + step);
  };
  for (unsigned step = 1; step <= chunks; ++step) {
    const std::size_t offset = step % 2 * kChunk;
    if (step > 2) operation.wait_step(next, Phase::kTaken, step - 2);
    std::memset(staging.data() + offset, value(operation.rank(), step), kChunk);
    operation.post(next, Phase::kReady, step);
    operation.wait_step(previous, Phase::kReady, step);
    const std::byte* const seen = operation.view_staging(previous, offset, kChunk);
    for (std::size_t i = 0; i < kChunk; ++i) {
      ASSERT_EQ(static_cast<unsigned char>(seen[i]), value(previous, step))
          << "sequence " << operation.sequence() << ", step " << step << ", byte " << i;
    }
    operation.post(previous, Phase::kTaken, step);
  }
  operation.wait_step(next, Phase::kTaken, chunks);
}

}  // namespace tutti::test
