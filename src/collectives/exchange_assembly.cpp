#include "collectives/exchange_assembly.hpp"

#include <cstring>
#include <optional>
#include <vector>

#include "channel/lent_bytes.hpp"
#include "collectives/exchange.hpp"
#include "collectives/rows.hpp"
#include "kernels/copy.hpp"

namespace tutti {

namespace {

// What a rank brings: where its row for rank 0 lies, and how many bytes each of its rows has.
struct Offer {
  MemoryRef place;
  std::uint64_t bytes;
  std::uint64_t readable;  // 0: others cannot copy it
};
static_assert(sizeof(Offer) <= LineContent::kPayloadBytes);

class ExchangeAssembly {
 public:
  ExchangeAssembly(const Operation& operation, const Request& request, const Selection& selection)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        rows_(request, self_, ranks_),
        most_copied_(selection.copied_in_place_bytes()),
        copied_(channel_.transport()) {}

  // False: somebody's rows are out of reach, and nothing has been moved.
  bool run() {
    if (!agree()) return false;
    for (int i = 0; i < ranks_; ++i) take(rows_.partner(i));
    LineContent done;
    if (operation_.arrive(done, Round::kLast)) {
      operation_.publish(done, Round::kLast);
    } else {
      operation_.await_published(Round::kLast);
    }
    return true;
  }

 private:
  bool agree() {
    const Offer mine = offer();
    LineContent brought;
    std::memcpy(brought.payload, &mine, sizeof(mine));
    std::uint64_t agreed = 1;
    if (operation_.arrive(brought)) {
      for (Rank peer = 0; peer < ranks_; ++peer) agreed &= offer_of(peer).readable;
      LineContent verdict;
      std::memcpy(verdict.payload, &agreed, sizeof(agreed));
      operation_.publish(verdict);
    } else {
      std::memcpy(&agreed, operation_.await_published().payload, sizeof(agreed));
    }
    return agreed != 0;
  }

  Offer offer() {
    const std::size_t bytes = request_.bytes();
    const std::size_t all = rows_.same_for_all() ? bytes : bytes * static_cast<std::size_t>(ranks_);
    const std::byte* rows = request_.send;
    bool readable = true;
    if (rows_.overwrites_unsent()) {
      readable = all <= most_copied_;
      if (readable) {
        copied_.make(all);
        if (channel_.moves(Read{rows, all}, Write{copied_.data(), all})) {
          kernels::copy(copied_.data(), rows, all);
        }
        operation_.charge(LocalWork::copy(all));
        rows = copied_.data();
      }
    }
    const MemoryRef place = channel_.refer(rows, all);
    readable = readable && (channel_.reached_by_all(place.where) ||
                            channel_.copied_by_all(place.where) || all == 0);
    return {.place = place, .bytes = bytes, .readable = readable};
  }

  Offer offer_of(Rank peer) const {
    Offer offer;
    std::memcpy(&offer, operation_.brought(peer).payload, sizeof(offer));
    return offer;
  }

  void take(Rank peer) {
    const Rows::Incoming row = rows_.from(peer);
    if (peer == self_) {
      const Rows::Outgoing own = rows_.to(self_);
      if (own.bytes != row.bytes) raise_mismatch(operation_, self_, self_, own.bytes, row.bytes);
      if (row.bytes == 0 || own.data == row.data) return;
      if (channel_.moves(Read{own.data, row.bytes}, Write{row.data, row.bytes})) {
        kernels::copy(row.data, own.data, row.bytes);
      }
      operation_.charge(LocalWork::copy(row.bytes));
      return;
    }
    const Offer offer = offer_of(peer);
    if (offer.bytes != row.bytes) raise_mismatch(operation_, peer, self_, offer.bytes, row.bytes);
    if (row.bytes == 0) return;
    const std::size_t skipped =
        rows_.same_for_all() ? 0 : row.bytes * static_cast<std::size_t>(self_);
    const Fetch fetch{peer, {row.data, row.bytes}, offer.place.offset + skipped};
    channel_.get(offer.place.where, {&fetch, 1});
  }

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  Rank self_;
  int ranks_;
  Rows rows_;
  std::size_t most_copied_;
  LentBytes copied_;  // all-to-all in place: the rows as they were
};

}  // namespace

void exchange_assembly(const Operation& operation, const Request& request,
                       const Selection& selection) {
  if (!ExchangeAssembly(operation, request, selection).run()) {
    exchange(operation, request, selection);
  }
}

}  // namespace tutti
