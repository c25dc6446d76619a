// The writes that are under way to this process: which link each belongs to, by the number that it
// brings. Numbers come from here, and none is used again before all others.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace tutti::packets {

class Link;

class Landings {
 public:
  std::uint32_t add(std::shared_ptr<Link> link) {
    const std::lock_guard lock(mutex_);
    while (!links_.try_emplace(++last_, link).second) {
    }
    return last_;
  }
  void remove(std::uint32_t number) noexcept {
    const std::lock_guard lock(mutex_);
    links_.erase(number);
  }
  // nullptr: nobody waits for it any more.
  std::shared_ptr<Link> find(std::uint32_t number) const {
    const std::lock_guard lock(mutex_);
    const auto found = links_.find(number);
    return found != links_.end() ? found->second : nullptr;
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return links_.empty();
  }

 private:
  mutable std::mutex mutex_;  // everything below
  std::unordered_map<std::uint32_t, std::shared_ptr<Link>> links_;
  std::uint32_t last_ = 0;
};

}  // namespace tutti::packets
