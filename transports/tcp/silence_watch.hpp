// Finds processes from which nothing comes any more although their connection lives: a host that
// has gone behind something that acknowledges, a process that is stopped. Where the end of a
// connection is told, links see it themselves.
//
// Only while a rank of this process waits: after a while without a sign of life it asks (kPing),
// and whoever moves frames there answers, whatever its ranks do. Silence is counted in looks, so
// that a process that was stopped itself looks at what has come before it says anything of others.
//
// Not where callers move the frames (TUTTI_PROGRESS): there a rank that computes is silent.
//
// Of the node's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "transports/tcp/link.hpp"

namespace tutti::tcp {

class Poller;

class SilenceWatch {
 public:
  // Reads TUTTI_SILENCE_MS. `io` and `poller` outlive it.
  SilenceWatch(boost::asio::io_context& io, const Poller& poller);

  // A link that has just been opened. One over loopback, where silence is a process that has no
  // core, is left alone unless the environment names a limit.
  void add(const std::shared_ptr<Link>& link);

 private:
  struct Watched {
    std::weak_ptr<Link> link;
    Link::Signs signs;  // at the last look
    int quiet = 0;      // looks that found no sign
  };

  void look_later();
  void look();
  void judge(Watched& watched, Link& link) const;

  const Poller& poller_;
  boost::asio::steady_timer timer_;
  const bool named_;  // by the environment
  const std::chrono::milliseconds limit_;
  std::vector<Watched> watched_;
  std::uint64_t polls_ = 0;  // of ranks, at the last look
};

}  // namespace tutti::tcp
