// Memory for packets, registered where the network wants that: some to send from, some to receive
// into.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/mapping.hpp"
#include "transports/packets/fabric.hpp"

namespace tutti::packets {

class Link;

// One packet on its way, known to the network by its Operation.
struct Buffer : Operation {
  enum class Use : std::uint8_t { kSend, kReceive };
  Use use = Use::kSend;
  std::span<std::byte> memory{};
  std::size_t bytes = 0;       // of a packet to send
  std::shared_ptr<Link> link;  // of a packet that is being sent: it stays until that is over
};

class Buffers {
 public:
  // `fabric` outlives it.
  Buffers(Fabric& fabric, std::size_t buffer_bytes, std::size_t count, Buffer::Use use);

  std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  const Region* region() const noexcept { return region_.get(); }
  std::span<Buffer> all() noexcept { return buffers_; }

  // nullptr: all are in use. From any thread.
  Buffer* take() noexcept;
  void give_back(Buffer& buffer) noexcept;
  bool all_free() const noexcept;

 private:
  const std::size_t buffer_bytes_;
  Mapping memory_;
  std::unique_ptr<Region> region_;
  std::vector<Buffer> buffers_;
  mutable std::mutex mutex_;
  std::vector<Buffer*> free_;  // under mutex_
};

}  // namespace tutti::packets
