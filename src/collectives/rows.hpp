// Which bytes go from whom to whom in the operations that only move data.
#pragma once

#include <tutti/transport.hpp>

#include "collectives/request.hpp"

namespace tutti {

// A view of a request: what this rank sends to a peer, and where what it receives goes.
class Rows {
 public:
  Rows(const Request& request, Rank self, int ranks)
      : request_(request), self_(self), ranks_(ranks) {}

  struct Outgoing {
    const std::byte* data = nullptr;
    std::size_t bytes = 0;
    bool moves = false;  // false: nothing goes that way, not even an entry
  };
  struct Incoming {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    bool moves = false;
  };
  Outgoing to(Rank peer) const;
  Incoming from(Rank peer) const;

  // All peers get the same bytes: staged once for all.
  bool same_for_all() const;
  // Some ranks hear nothing from others.
  bool rooted() const {
    return request_.kind == OperationKind::kBroadcast || request_.kind == OperationKind::kGather ||
           request_.kind == OperationKind::kScatter;
  }
  // A receive buffer lies over rows that are still to be sent: they must be copied away first.
  bool overwrites_unsent() const {
    return (request_.kind == OperationKind::kAlltoAll ||
            request_.kind == OperationKind::kAlltoAllv) &&
           request_.send == request_.recv;
  }
  // The i-th partner of this rank, 0 <= i < ranks: a rank's i-th partner has it as its i-th. One of
  // them is the rank itself.
  Rank partner(int i) const { return (i - self_ + ranks_) % ranks_; }

 private:
  const Request& request_;
  Rank self_;
  int ranks_;
};

}  // namespace tutti
