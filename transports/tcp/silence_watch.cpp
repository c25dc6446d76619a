#include "transports/tcp/silence_watch.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/environment.hpp"
#include "bootstrap/socket_address.hpp"
#include "transports/tcp/poller.hpp"

namespace tutti::tcp {

namespace {

constexpr char kVariable[] = "TUTTI_SILENCE_MS";
constexpr std::int64_t kDefaultMs = 1500;
constexpr std::int64_t kMostMs = 3'600'000;

// Looks in the limit, and after how many of them without a sign the other side is asked.
constexpr int kLooks = 6;
constexpr int kLooksBeforePing = 2;

}  // namespace

SilenceWatch::SilenceWatch(boost::asio::io_context& io, const Poller& poller)
    : poller_(poller),
      timer_(io),
      named_(env_string(kVariable).has_value()),
      limit_(env_int(kVariable, kDefaultMs, 0, kMostMs)) {}

void SilenceWatch::add(const std::shared_ptr<Link>& link) {
  if (limit_.count() == 0 || poller_.is_moved_by_callers() ||
      (!named_ && is_loopback(local_end_of(link->socket()))))
    return;
  watched_.push_back({.link = link, .signs = link->signs()});
  if (watched_.size() == 1) look_later();
}

void SilenceWatch::look_later() {
  timer_.expires_after(std::chrono::ceil<std::chrono::milliseconds>(limit_ / double{kLooks}));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) look();
  });
}

void SilenceWatch::look() {
  const bool waits = poller_.has_waited(polls_);
  std::erase_if(watched_, [&](Watched& watched) {
    const std::shared_ptr<Link> link = watched.link.lock();
    if (!link || link->is_closed()) return true;
    if (waits) {
      judge(watched, *link);
    } else {
      watched.quiet = 0;
    }
    return false;
  });
  if (!watched_.empty()) look_later();
}

void SilenceWatch::judge(Watched& watched, Link& link) const {
  const Link::Signs then = std::exchange(watched.signs, link.signs());
  if (watched.signs.moved_since(then)) {
    watched.quiet = 0;
    return;
  }
  if (++watched.quiet == kLooksBeforePing) link.send_bare(message::FrameKind::kPing);
  if (watched.quiet < kLooks) return;
  link.close(Link::End::kUnreachable,
             fmt::format("nothing has come from its process for {} ms", limit_.count()));
}

}  // namespace tutti::tcp
