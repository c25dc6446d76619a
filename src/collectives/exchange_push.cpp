#include "collectives/exchange_push.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "channel/fetch_list.hpp"
#include "channel/lent_bytes.hpp"
#include "collectives/exchange.hpp"
#include "collectives/groups.hpp"
#include "collectives/rows.hpp"
#include "kernels/copy.hpp"

namespace tutti {

namespace {

// From the receiver, where the row goes; and, if it cannot be put there, from the sender where it
// lies.
struct PlacedRow {
  std::uint64_t bytes;
  MemoryRef place;
  std::uint64_t reached;  // the place, by puts
};
static_assert(sizeof(PlacedRow) <= LineContent::kPayloadBytes);

class ExchangePush {
 public:
  ExchangePush(const Operation& operation, const Request& request, int group)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        rows_(request, self_, ranks_),
        groups_(self_, ranks_, group),
        saved_(channel_.transport()) {
    // Group by group, the own one first.
    for (int g = 0; g < groups_.count(); ++g) {
      for (int i = 0; i < groups_.size(); ++i) {
        const Rank peer = groups_.at(groups_.group_behind(g), groups_.place_behind(i));
        if (peer != self_) order_.push_back(peer);
      }
    }
  }

  void run() {
    save_unsent();
    operation_.post_together([this] {
      for (const Rank peer : order_) ask(peer);
    });
    copy_own_row();
    const auto all = std::span<const Rank>(order_);
    const auto near = static_cast<std::size_t>(groups_.size()) - 1;
    serve(all.first(near));
    serve(all.subspan(near));
    receive();
    for (const Written& row : written_) channel_.flush(row.peer, row.where);
    for (const Rank peer : readers_) operation_.await(peer, Phase::kDone);
    operation_.charge(LocalWork::looks(readers_.size()));
    if (rows_.rooted()) operation_.look_for_strangers();
  }

 private:
  // In place, rows arrive over those that are still to be sent.
  void save_unsent() {
    if (!rows_.overwrites_unsent()) return;
    std::size_t end = 0;
    for (Rank peer = 0; peer < ranks_; ++peer) {
      const Rows::Outgoing row = rows_.to(peer);
      if (row.bytes == 0) continue;
      const auto first = static_cast<std::size_t>(row.data - request_.send);
      end = std::max(end, first + row.bytes);
    }
    if (end == 0) return;
    if (channel_.moves(Read{request_.send, end})) {
      saved_.make(end);
      channel_.touches(Write{saved_.data(), end});
      kernels::copy(saved_.data(), request_.send, end);
    }
    operation_.charge(LocalWork::copy(end));
  }
  const std::byte* source_of(const Rows::Outgoing& row) const {
    return saved_.empty() ? row.data : saved_.data() + (row.data - request_.send);
  }

  void ask(Rank peer) {
    const Rows::Incoming row = rows_.from(peer);
    if (!row.moves) return;
    const MemoryRef place = channel_.refer(row.data, row.bytes);
    post(peer, Phase::kEntry,
         {.bytes = row.bytes, .place = place, .reached = channel_.written_by_all(place.where)});
  }

  void copy_own_row() {
    const Rows::Outgoing out = rows_.to(self_);
    const Rows::Incoming in = rows_.from(self_);
    if (!out.moves || !in.moves || out.data == in.data) return;
    if (out.bytes != in.bytes) raise_mismatch(operation_, self_, self_, out.bytes, in.bytes);
    if (out.bytes == 0) return;
    if (channel_.moves(Read{out.data, out.bytes}, Write{in.data, out.bytes})) {
      kernels::copy(in.data, source_of(out), out.bytes);
    }
    operation_.charge(LocalWork::copy(out.bytes));
  }

  void serve(std::span<const Rank> peers) {
    std::size_t heard = 0;
    for (const Rank peer : peers) {
      if (!rows_.to(peer).moves) continue;
      operation_.await(peer, Phase::kEntry);
      ++heard;
    }
    operation_.charge(LocalWork::looks(heard));
    operation_.post_together([&] {
      for (const Rank peer : peers) {
        const Rows::Outgoing row = rows_.to(peer);
        if (!row.moves) continue;
        const PlacedRow wanted = read(operation_.line(peer, Phase::kEntry));
        if (wanted.bytes != row.bytes) {
          raise_mismatch(operation_, self_, peer, row.bytes, wanted.bytes);
        }
        send(peer, row, wanted);
      }
    });
  }

  void send(Rank peer, const Rows::Outgoing& row, const PlacedRow& wanted) {
    const std::byte* const source = source_of(row);
    if (wanted.reached != 0) {
      if (row.bytes != 0) {
        channel_.put(peer, wanted.place, {source, row.bytes});
        written_.push_back({peer, wanted.place.where});
      }
    } else if (row.bytes != 0) {
      readers_.push_back(peer);
    }
    post(peer, Phase::kReady,
         {.bytes = row.bytes,
          .place = channel_.refer(source, row.bytes),
          .reached = wanted.reached});
  }

  void receive() {
    std::size_t heard = 0;
    for (const Rank peer : order_) {
      const Rows::Incoming row = rows_.from(peer);
      if (!row.moves) continue;
      const PlacedRow sent = read(operation_.wait(peer, Phase::kReady));
      ++heard;
      if (sent.bytes != row.bytes) raise_mismatch(operation_, peer, self_, sent.bytes, row.bytes);
      if (sent.reached != 0 || row.bytes == 0) continue;
      fetched_.add(sent.place.where, {peer, {row.data, row.bytes}, sent.place.offset});
    }
    operation_.charge(LocalWork::looks(heard));
    fetched_.bring(channel_);
    operation_.post_together([this] {
      fetched_.for_each([this](const Fetch& fetch) { operation_.post(fetch.peer, Phase::kDone); });
    });
  }

  void post(Rank peer, Phase phase, const PlacedRow& row) const {
    LineContent content;
    std::memcpy(content.payload, &row, sizeof(row));
    operation_.post(peer, phase, content);
  }
  static PlacedRow read(const Line& line) {
    PlacedRow row;
    std::memcpy(&row, line.payload, sizeof(row));
    return row;
  }

  struct Written {
    Rank peer;
    MemoryRef::Where where;
  };

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  Rank self_;
  int ranks_;
  Rows rows_;
  Groups groups_;
  LentBytes saved_;  // in place: the rows as they were
  std::vector<Rank> order_;
  std::vector<Written> written_;  // whose memory this rank's rows are on their way to
  std::vector<Rank> readers_;     // who gets its row, and says when it has
  FetchList fetched_;
};

}  // namespace

void exchange_push(const Operation& operation, const Request& request, int group) {
  ExchangePush(operation, request, group).run();
}

}  // namespace tutti
