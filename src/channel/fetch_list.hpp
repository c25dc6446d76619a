// What a rank wants of its peers' memory, collected where a read takes a way there and back
// (Access::reads_wait), so that all of it is asked for together.
#pragma once

#include <span>
#include <vector>

#include "channel/channel.hpp"
#include "channel/read_windows.hpp"

namespace tutti {

class FetchList {
 public:
  void add(MemoryRef::Where where, const Fetch& fetch) {
    (where == MemoryRef::Where::kHeap ? in_heap_ : in_process_).push_back(fetch);
  }
  bool empty() const { return in_heap_.empty() && in_process_.empty(); }
  void clear() {
    in_heap_.clear();
    in_process_.clear();
  }

  // Copies all of it: one call for each kind of memory.
  void bring(Channel& channel) const {
    if (!in_heap_.empty()) channel.get(MemoryRef::Where::kHeap, in_heap_);
    if (!in_process_.empty()) channel.get(MemoryRef::Where::kProcess, in_process_);
  }
  // The same where every rank does it at once, each for rows of all others.
  void bring_in_windows(Channel& channel) const {
    const std::size_t count = in_heap_.size() + in_process_.size();
    if (count == 0) return;
    std::size_t bytes = 0;
    for_each([&bytes](const Fetch& fetch) { bytes += fetch.destination.size(); });
    const std::size_t windows =
        read_windows(channel.transport().costs(), channel.ranks(), bytes / count);
    for (const auto where : {MemoryRef::Where::kHeap, MemoryRef::Where::kProcess}) {
      const std::span<const Fetch> all = where == MemoryRef::Where::kHeap ? in_heap_ : in_process_;
      in_windows(windows, all, [&](std::span<const Fetch> part) { channel.get(where, part); });
    }
  }

  template <typename Body>
  void for_each(const Body& body) const {
    for (const Fetch& fetch : in_heap_) body(fetch);
    for (const Fetch& fetch : in_process_) body(fetch);
  }

 private:
  std::vector<Fetch> in_heap_;
  std::vector<Fetch> in_process_;
};

}  // namespace tutti
