// Ranks in groups of equally many consecutive ones: what lies near each other, a node for example.
// Whoever goes through groups begins behind itself, so that no rank is everybody's first.
#pragma once

#include <tutti/transport.hpp>

namespace tutti {

class Groups {
 public:
  // `size` divides `ranks`.
  Groups(Rank self, int ranks, int size)
      : size_(size), count_(ranks / size), group_(self / size), place_(self % size) {}

  int size() const { return size_; }
  int count() const { return count_; }
  int group() const { return group_; }  // of this rank
  int place() const { return place_; }  // of this rank in its group
  Rank at(int group, int place) const { return group * size_ + place; }

  // 0 < i < size(), or count(): who is i places behind this rank in its group, and who has its
  // place in the group that is i behind its own. Every rank is as many ranks' i-th as any other.
  int place_behind(int i) const { return (place_ + i) % size_; }
  int group_behind(int i) const { return (group_ + i) % count_; }
  Rank mate(int i) const { return at(group_, place_behind(i)); }
  Rank counterpart(int i) const { return at(group_behind(i), place_); }

 private:
  int size_;
  int count_;
  int group_;
  int place_;
};

}  // namespace tutti
