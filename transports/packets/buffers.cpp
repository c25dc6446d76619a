#include "transports/packets/buffers.hpp"

namespace tutti::packets {

Buffers::Buffers(Fabric& fabric, std::size_t buffer_bytes, std::size_t count, Job::Use use)
    : buffer_bytes_(buffer_bytes),
      memory_(Mapping::sparse(buffer_bytes * count, 4096, "buffers for packets")) {
  if (fabric.capabilities().registers_local) {
    region_ = fabric.register_memory(memory_.bytes());
  }
  free_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Buffer& buffer = buffers_.emplace_back(use);
    buffer.memory = memory_.bytes().subspan(i * buffer_bytes, buffer_bytes);
    free_.push_back(&buffer);
  }
}

Buffer* Buffers::take() noexcept {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return nullptr;
  Buffer* const buffer = free_.back();
  free_.pop_back();
  return buffer;
}

void Buffers::give_back(Buffer& buffer) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(&buffer);
}

bool Buffers::all_free() const noexcept {
  const std::lock_guard lock(mutex_);
  return free_.size() == buffers_.size();
}

}  // namespace tutti::packets
