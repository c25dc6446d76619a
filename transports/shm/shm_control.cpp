#include "transports/shm/shm_control.hpp"

#include <cstring>

#include "base/futex.hpp"
#include "transports/shm/copy_pieces.hpp"

namespace tutti::shm {

std::span<std::byte> ShmControl::reach(Rank peer, std::size_t offset, std::size_t bytes) {
  const std::size_t size = memory_->segment_bytes();
  if (offset > size || bytes > size - offset) return {};
  return {memory_->at(peer, offset, bytes), bytes};
}

bool ShmControl::put(Rank peer, std::span<const Piece> pieces) {
  copy_pieces(*this, peer, pieces);
  return true;
}

void ShmControl::get(std::span<const Fetch> pieces) { fetch_pieces(*this, pieces); }

void ShmControl::fill(Line& line, std::uint64_t value, const LineContent& content) const noexcept {
  std::memcpy(line.payload, content.payload, sizeof(line.payload));
  // Atomic for who looks at the line of an operation that is over (Channel::check_entries).
  std::atomic_ref(line.stamp).store(content.stamp, std::memory_order_relaxed);
  // Release: pairs with the acquire load of whoever waits for this line. seq_cst where `fenced_`,
  // which also puts it before the load of sleepers in ring(); elsewhere the sleeper's membarrier
  // does that.
  line.value.store(value, fenced_ ? std::memory_order_seq_cst : std::memory_order_release);
}

void ShmControl::post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) {
  fill(memory_->line(peer, line), value, content);
  ring(memory_->own_bell(peer));
}

void ShmControl::post_all(LineId line, std::uint64_t value, const LineContent& content) {
  fill(memory_->line(0, line), value, content);
  ring(memory_->shared_bell());
}

std::uint64_t ShmControl::fetch_add(Rank peer, std::size_t offset, std::uint64_t delta) {
  auto* word = reinterpret_cast<std::atomic<std::uint64_t>*>(memory_->segment(peer) + offset);
  return word->fetch_add(delta, std::memory_order_acq_rel);
}

}  // namespace tutti::shm
