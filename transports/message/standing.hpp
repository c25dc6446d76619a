// How a rank's communicator stands, where ranks hear of each other by messages only: who is there,
// and which error ended it, the same on all ranks.
//
// The leader is the lowest rank that is still there. Every rank has a connection to the first one,
// so that each death is noticed by one end of some connection; the leader passes on what happens to
// others. Errors go to the leader as proposals, and what reached it first is what it tells all
// ranks. When the leader goes, who has a proposal or a verdict brings it to the next one.
//
// Who leaves says so itself to everybody to whom it may have sent anything, behind all of that;
// only the others may hear of it from the leader.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "transports/message/frame.hpp"
#include "transports/message/port.hpp"

namespace tutti::message {

// How frames without memory behind them leave: at once or queued, never waiting. Content is copied.
class Teller {
 public:
  enum class Reach : std::uint8_t {
    kLinked,  // only whom this rank has a connection to
    kAnyhow   // everybody: a connection is made first, if need be
  };
  // Was it sent on a connection that there is?
  virtual bool tell(Rank peer, const Frame& frame, std::span<const std::byte> content,
                    Reach reach) = 0;

 protected:
  ~Teller() = default;
};

class Standing {
 public:
  // `teller` and `port` outlive it.
  Standing(Port& port, Teller& teller);

  PeerState state(Rank peer) const noexcept {
    // Acquire pairs with the release in mark(): what the peer did before it left has been seen.
    return static_cast<PeerState>(
        states_[static_cast<std::size_t>(peer)].load(std::memory_order_acquire));
  }
  // Alive -> left or dead, once. Passed on to all but `told`; where nobody says who that is, by the
  // leader to all that are there.
  void mark(Rank peer, PeerState state, const std::vector<bool>& told = {});
  // kNews: of rank `of`. Its content names those that have heard of it already.
  void on_news(Rank of, PeerState state, std::span<const std::byte> content);
  void propose(const Error& error);
  // Has it proposed one that nobody has decided about?
  bool proposes() const;
  void on_proposal(Rank from, const Error& error);
  void on_failure(const Error& error);
  std::optional<Error> failure() const;
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

  // This rank leaves: whatever it hears from now on it keeps for itself.
  void say_goodbye();
  bool has_left() const noexcept { return has_left_.load(std::memory_order_acquire); }
  // Nobody else is there any more.
  bool is_alone() const noexcept;

  // Errors on the way: cut where they are longer than a frame.
  static std::vector<std::byte> pack(const Error& error);
  // Nothing for what pack() did not make.
  static std::optional<Error> unpack(std::span<const std::byte> content);

 private:
  Rank leader() const noexcept;
  void decide(const Error& error);  // mutex_ held
  void record(const Error& error);  // mutex_ held
  void tell(Rank peer, FrameKind kind, const Error& error,
            Teller::Reach reach = Teller::Reach::kAnyhow);
  void pass_on(Rank of, PeerState state, const std::vector<bool>& told);
  bool tell_news(Rank peer, Rank of, PeerState state, std::span<const std::byte> told = {},
                 Teller::Reach reach = Teller::Reach::kLinked);

  Port& port_;
  Teller& teller_;
  std::vector<std::atomic<std::uint32_t>> states_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> has_left_{false};
  mutable std::recursive_mutex mutex_;  // everything below
  std::optional<Error> proposal_;       // of this rank, without an answer
  std::optional<Error> failure_;
};

}  // namespace tutti::message
