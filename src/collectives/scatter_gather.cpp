#include "collectives/scatter_gather.hpp"

#include <cstring>
#include <vector>

#include "channel/fetch_list.hpp"
#include "collectives/per_rank.hpp"
#include "collectives/shares.hpp"
#include "kernels/copy.hpp"

namespace tutti {

namespace {

// Of a rank's buffer: the root's input, others' output.
struct OfferedBuffer {
  MemoryRef place;
  std::uint64_t reached;  // by puts
};
static_assert(sizeof(OfferedBuffer) <= LineContent::kPayloadBytes);

class ScatterGather {
 public:
  ScatterGather(const Operation& operation, const Request& request)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        shares_(request, ranks_),
        buffers_(ranks_) {}

  void run() {
    meet();
    take_own_share();
    operation_.charge(LocalWork::sync());
    give_own_share();
    take_others();
    for (const Rank peer : written_) channel_.flush(peer, buffers_[peer].place.where);
    await(Phase::kDone, readers_);
    if (is_root()) await_takers();
  }

 private:
  bool is_root() const { return self_ == request_.root; }
  std::size_t bytes_of(Rank owner) const { return shares_.of(owner).count * size(); }
  std::size_t first_of(Rank owner) const { return shares_.of(owner).first * size(); }
  std::size_t size() const { return request_.element_bytes(); }
  // Where this rank has its share, once it has.
  const std::byte* data() const { return is_root() ? request_.send : request_.recv; }
  Rank behind(int i) const { return (self_ + i) % ranks_; }

  void meet() {
    const MemoryRef place = channel_.refer(data(), request_.bytes());
    buffers_[self_] = {.place = place, .reached = channel_.reached_by_all(place.where)};
    operation_.post_together([this] {
      for (int i = 1; i < ranks_; ++i) post(behind(i), Phase::kEntry, buffers_[self_]);
    });
    for (int i = 1; i < ranks_; ++i) {
      buffers_[behind(i)] = read(operation_.wait(behind(i), Phase::kEntry));
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
  }

  void take_own_share() {
    if (is_root()) {
      if (request_.send == request_.recv || request_.count == 0) return;
      if (channel_.moves(Read{request_.send, request_.bytes()},
                         Write{request_.recv, request_.bytes()})) {
        kernels::copy(request_.recv, request_.send, request_.bytes());
      }
      operation_.charge(LocalWork::copy(request_.bytes()));
      return;
    }
    if (bytes_of(self_) == 0) return;
    fetch(request_.root, self_, buffers_[request_.root].place);
    fetched_.bring(channel_);
    fetched_.clear();
    operation_.post(request_.root, Phase::kTaken);
  }

  void give_own_share() {
    const std::size_t bytes = bytes_of(self_);
    if (bytes == 0) return;
    operation_.post_together([&] {
      for (int i = 1; i < ranks_; ++i) {
        const Rank peer = behind(i);
        if (peer == request_.root) continue;
        MemoryRef place = buffers_[peer].place;
        if (buffers_[peer].reached != 0) {
          place.offset += first_of(self_);
          channel_.put(peer, place, {data() + first_of(self_), bytes});
          written_.push_back(peer);
        } else {
          readers_.push_back(peer);
        }
        operation_.post(peer, Phase::kReady);
      }
    });
  }

  void take_others() {
    if (is_root()) return;
    std::size_t heard = 0;
    for (int i = 1; i < ranks_; ++i) {
      const Rank owner = behind(i);
      if (bytes_of(owner) == 0) continue;
      operation_.await(owner, Phase::kReady);
      ++heard;
      if (buffers_[self_].reached == 0) fetch(owner, owner, buffers_[owner].place);
    }
    operation_.charge(LocalWork::looks(heard));
    fetched_.bring(channel_);
    operation_.post_together([this] {
      fetched_.for_each([this](const Fetch& fetch) { operation_.post(fetch.peer, Phase::kDone); });
    });
  }

  void await_takers() {
    std::vector<Rank> takers;
    for (int i = 1; i < ranks_; ++i) {
      if (bytes_of(behind(i)) != 0) takers.push_back(behind(i));
    }
    await(Phase::kTaken, takers);
  }

  void await(Phase phase, const std::vector<Rank>& peers) {
    for (const Rank peer : peers) operation_.await(peer, phase);
    operation_.charge(LocalWork::looks(peers.size()));
  }

  // `owner`'s share, out of the buffer of `peer`.
  void fetch(Rank peer, Rank owner, MemoryRef place) {
    fetched_.add(
        place.where,
        {peer, {request_.recv + first_of(owner), bytes_of(owner)}, place.offset + first_of(owner)});
  }

  void post(Rank peer, Phase phase, const OfferedBuffer& buffer) const {
    LineContent content;
    std::memcpy(content.payload, &buffer, sizeof(buffer));
    operation_.post(peer, phase, content);
  }
  static OfferedBuffer read(const Line& line) {
    OfferedBuffer buffer;
    std::memcpy(&buffer, line.payload, sizeof(buffer));
    return buffer;
  }

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  Rank self_;
  int ranks_;
  Shares shares_;
  PerRank<OfferedBuffer> buffers_;
  std::vector<Rank> written_;  // whose memory this rank's share is on its way to
  std::vector<Rank> readers_;  // who gets it, and says when it has
  FetchList fetched_;
};

}  // namespace

void scatter_gather(const Operation& operation, const Request& request) {
  ScatterGather(operation, request).run();
}

}  // namespace tutti
