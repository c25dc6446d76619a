// Ranks that are forked by a test meet in a page that they inherited. The meeting must be made
// before the forks.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>

#include "bootstrap/bootstrap.hpp"

namespace tutti::test {

class SharedMeeting {
 public:
  static constexpr std::size_t kBlobBytes = 4096;

  explicit SharedMeeting(int ranks) : ranks_(ranks) {
    void* memory =
        ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    arrived_ = new (memory) std::atomic<int>(0);
    blobs_ = static_cast<std::byte*>(memory) + kBlobBytes;
  }
  ~SharedMeeting() { ::munmap(arrived_, bytes()); }
  SharedMeeting(const SharedMeeting&) = delete;
  SharedMeeting& operator=(const SharedMeeting&) = delete;

  int ranks() const { return ranks_; }
  std::byte* blob(Rank rank) const { return blobs_ + static_cast<std::size_t>(rank) * kBlobBytes; }
  // The rounds-th time that everybody is here.
  void meet(int rounds) {
    arrived_->fetch_add(1, std::memory_order_acq_rel);
    while (arrived_->load(std::memory_order_acquire) < rounds * ranks_) ::usleep(100);
  }

 private:
  std::size_t bytes() const { return kBlobBytes * (static_cast<std::size_t>(ranks_) + 1); }

  int ranks_;
  std::atomic<int>* arrived_;
  std::byte* blobs_;
};

class SharedBootstrap final : public Bootstrap {
 public:
  SharedBootstrap(SharedMeeting& meeting, Rank rank) : meeting_(meeting), rank_(rank) {}

  Rank rank() const noexcept override { return rank_; }
  int ranks() const noexcept override { return meeting_.ranks(); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    if (mine.size() > SharedMeeting::kBlobBytes) throw std::bad_alloc();
    if (!mine.empty()) std::memcpy(meeting_.blob(rank_), mine.data(), mine.size());
    meeting_.meet(++rounds_);
    for (Rank peer = 0; peer < ranks() && !mine.empty(); ++peer) {
      std::memcpy(all.data() + static_cast<std::size_t>(peer) * mine.size(), meeting_.blob(peer),
                  mine.size());
    }
    meeting_.meet(++rounds_);  // nobody overwrites what a peer still reads
  }

 private:
  SharedMeeting& meeting_;
  Rank rank_;
  int rounds_ = 0;
};

}  // namespace tutti::test
