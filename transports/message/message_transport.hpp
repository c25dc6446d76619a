// A transport whose ranks reach each other by messages only: views and stores through mirrors of
// the peers' memory, puts and posts by frames, over links that all communicators of a process
// share. A network adds how ranks meet (its constructor) and what things cost.
#pragma once

#include <memory>
#include <tutti/transport.hpp>
#include <vector>

#include "base/clock.hpp"
#include "bootstrap/bootstrap.hpp"
#include "transports/message/carrier.hpp"
#include "transports/message/endpoint.hpp"
#include "transports/message/node.hpp"

namespace tutti::message {

class MessageTransport : public NetworkTransport, private Carrier {
 public:
  ~MessageTransport() override;

  Access access(Rank) const noexcept override {
    return {.views = true,
            .stores = true,
            .gets = true,
            .puts = true,
            .shared_words = false,
            .reads_wait = true,
            .needs_progress = true,
            .ordered = true};
  }
  Path path(Rank peer) const noexcept override { return costs()->path(rank_, peer); }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override {
    return open_control(segment, nullptr);
  }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment,
                                              std::shared_ptr<std::byte> memory) override;
  std::unique_ptr<Window> open_window(WindowKind kind) override;
  void progress() override { node_.mover().poll(); }
  bool settles() const noexcept override { return true; }
  void settle() noexcept override { node_.mover().poll(); }
  void complete() noexcept override;
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override {
    if (endpoint_->port().is_shared()) {
      node_.mover().sleep_on_bell(bell, seen, timeout);
    } else {
      node_.mover().sleep(bell, seen, timeout);
    }
  }
  // The sleeper's locked add and the poster's store are seq_cst (Port::post).
  void announce_fence() noexcept override {}
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override;
  void abort(const Error& error) noexcept override;
  std::optional<Error> failure() const override { return endpoint_->standing().failure(); }
  Waiting waiting() const noexcept override { return waiting_; }

 protected:
  // `bootstrap` is used by this and by open_*, not later; the caller keeps it until then.
  // `timeout`: of a peer that answers nothing. `endpoint`, of `node`, knows its peers when the
  // constructor of the network's transport returns.
  MessageTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
                   std::shared_ptr<Endpoint> endpoint);
  void set_waiting(Waiting waiting) noexcept { waiting_ = waiting; }
  Rank rank() const noexcept { return rank_; }

  // Whom this rank connects to at the beginning: a peer whose death it is to hear of, and whoever
  // shows that the network leads there. A network may name more than rank 0.
  virtual std::vector<Rank> first_peers() const;

 private:
  bool put(Rank peer, WindowId window, std::span<const Piece> pieces) override;
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) override;
  void flush(Rank peer, Nanoseconds timeout) override;
  void fetch(WindowId window, std::span<Wanted> wanted) override;
  void await(Asked& asked, Rank peer);
  void await_link(Rank peer);
  void await_verdict() noexcept;
  void flush_all() noexcept;

  Bootstrap& bootstrap_;
  const Nanoseconds timeout_;
  Node& node_;
  const Rank rank_;
  const int ranks_;
  Waiting waiting_ = Waiting::kSpin;
  SteadyClock clock_;
  const std::shared_ptr<Endpoint> endpoint_;
};

}  // namespace tutti::message
