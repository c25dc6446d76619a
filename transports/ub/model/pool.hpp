// Nodes by number: one allocation for many, reused. What one owner - a rank, where that matters -
// acquires one after the other lies in a row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transports/ub/model/large_memory.hpp"
#include "transports/ub/model/row_numbers.hpp"

namespace tutti::ub {

inline constexpr std::uint32_t kNone = UINT32_MAX;

// A reference is good until the next acquire(), and no argument of that.
template <typename Node>
class Pool {
 public:
  explicit Pool(std::size_t owners = 1) : numbers_(owners) {}

  std::uint32_t acquire(const Node& value, std::size_t owner = 0) {
    const std::uint32_t id = numbers_.take(owner);
    if (id >= nodes_.size()) [[unlikely]] {
      nodes_.resize(numbers_.size());
    }
    nodes_[id] = value;
    return id;
  }
  void release(std::uint32_t id) noexcept { numbers_.give_back(id); }
  Node& operator[](std::uint32_t id) { return nodes_[id]; }
  const Node& operator[](std::uint32_t id) const { return nodes_[id]; }

 private:
  RowNumbers numbers_;
  LargeVector<Node> nodes_;
};

// A list of nodes, first in, first out, linked by their `std::uint32_t next`.
class NodeQueue {
 public:
  bool empty() const noexcept { return head_ == kNone; }
  std::uint32_t front() const noexcept { return head_; }
  std::uint32_t back() const noexcept { return tail_; }

  template <typename Nodes>
  void push(Nodes& nodes, std::uint32_t id) {
    nodes[id].next = kNone;
    if (head_ == kNone) {
      head_ = id;
    } else {
      nodes[tail_].next = id;
    }
    tail_ = id;
  }
  template <typename Nodes>
  std::uint32_t pop(Nodes& nodes) {
    const std::uint32_t id = head_;
    head_ = nodes[id].next;
    return id;
  }

 private:
  std::uint32_t head_ = kNone;
  std::uint32_t tail_ = kNone;
};

}  // namespace tutti::ub
