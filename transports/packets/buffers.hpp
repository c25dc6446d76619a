// Memory for packets, registered where the network wants that: some to send from, some to receive
// into.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/mapping.hpp"
#include "transports/packets/fabric.hpp"
#include "transports/packets/job.hpp"

namespace tutti::packets {

// One packet on its way.
struct Buffer : Job {
  using Job::Job;

  std::span<std::byte> memory{};
  std::size_t bytes = 0;  // of a packet to send
};

class Buffers {
 public:
  // `fabric` outlives it.
  Buffers(Fabric& fabric, std::size_t buffer_bytes, std::size_t count, Job::Use use);

  std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  const Region* region() const noexcept { return region_.get(); }
  std::deque<Buffer>& all() noexcept { return buffers_; }

  // nullptr: all are in use. From any thread.
  Buffer* take() noexcept;
  void give_back(Buffer& buffer) noexcept;
  bool all_free() const noexcept;

 private:
  const std::size_t buffer_bytes_;
  Mapping memory_;
  std::unique_ptr<Region> region_;
  std::deque<Buffer> buffers_;  // which stay where they are
  mutable std::mutex mutex_;
  std::vector<Buffer*> free_;  // under mutex_
};

}  // namespace tutti::packets
