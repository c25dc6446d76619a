// The meeting's rules.
#include "bootstrap/meeting_table.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bootstrap/rank_names.hpp"

namespace tutti {

namespace {

using std::chrono::steady_clock;

Blob blob_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
}

}  // namespace

MeetingTable::MeetingTable(boost::asio::io_context& io, const MeetingSecret& secret,
                           std::function<void()> changed)
    : key_(wire::key_of(secret)), changed_(std::move(changed)), timer_(io) {}

void MeetingTable::welcome(MeetingConnection::Socket socket) {
  const auto connection = std::make_shared<MeetingConnection>(std::move(socket), key_, *this);
  strangers_.push_back(connection.get());
  connection->start();
}

bool MeetingTable::make_room() {
  const auto silent =
      std::find_if(strangers_.begin(), strangers_.end(),
                   [](const MeetingConnection* stranger) { return stranger->is_silent(); });
  if (silent == strangers_.end()) return false;
  (*silent)->send_away();  // and on_closed() follows
  return true;
}

void MeetingTable::on_stranger(wire::Stranger why) {
  const std::uint64_t count = ++turned_away_[static_cast<unsigned>(why)];
  TUTTI_INFO(kBootstrap, "turned a connection away: {} ({} of these)", wire::describe(why), count);
}

void MeetingTable::on_hello(MeetingConnection& connection, const wire::Hello& hello) {
  strangers_.remove(&connection);
  guests_[&connection] = -1;
  if (const auto reason = reason_to_refuse(hello); !reason.empty()) {
    refuse(connection, reason);
  } else {
    if (ranks_ == 0) {
      ranks_ = hello.ranks;
      seats_.resize(static_cast<std::size_t>(ranks_));
    }
    guests_[&connection] = hello.rank;
    seat(hello.rank).joined = true;
    seat(hello.rank).connection = &connection;
    ++joined_;
    failure_ ? send_failure(connection) : connection.send({.kind = wire::Kind::kWelcome});
  }
  changed_();
}

std::string MeetingTable::reason_to_refuse(const wire::Hello& hello) const {
  if (hello.ranks < 1 || static_cast<std::size_t>(hello.ranks) > wire::kMostRanks) {
    return fmt::format("a communicator of {} ranks is not possible", hello.ranks);
  }
  if (ranks_ != 0 && joined_ == ranks_) {
    return fmt::format("the unique id is used up: all {} ranks of its communicator have joined",
                       ranks_);
  }
  if (ranks_ != 0 && hello.ranks != ranks_) {
    return fmt::format("rank {} says that there are {} ranks, others said {}", hello.rank,
                       hello.ranks, ranks_);
  }
  if (hello.rank < 0 || hello.rank >= hello.ranks) {
    return fmt::format("rank {} is outside a communicator of {} ranks", hello.rank, hello.ranks);
  }
  if (ranks_ != 0 && seats_[static_cast<std::size_t>(hello.rank)].joined) {
    return fmt::format("rank {} has already joined with this unique id", hello.rank);
  }
  return {};
}

void MeetingTable::refuse(MeetingConnection& connection, const std::string& sentence) {
  TUTTI_INFO(kBootstrap, "refused a rank: {}", sentence);
  connection.send_last({.kind = wire::Kind::kRefused, .bytes = sentence.size()}, blob_of(sentence));
}

std::span<std::byte> MeetingTable::on_header(MeetingConnection& connection,
                                             const wire::Header& header) {
  const Rank rank = guests_.at(&connection);
  if (header.kind == wire::Kind::kGoodbye && header.bytes == 0) {
    seat(rank).left = true;
    if (round_) {
      fail_all(
          {tuttiRemoteError, fmt::format("rank {} left while others waited for it", rank), {rank}});
    }
    return {};
  }
  begin_or_check_round(rank, header);
  if (failure_) return {};
  seat(rank).called = true;
  const auto begin = static_cast<std::size_t>(rank) * round_->bytes;
  return std::span(*round_->blobs).subspan(begin, round_->bytes);
}

void MeetingTable::begin_or_check_round(Rank rank, const wire::Header& header) {
  const auto gone =
      std::find_if(seats_.begin(), seats_.end(), [](const Seat& s) { return s.left; });
  const auto ranks = static_cast<std::uint64_t>(ranks_);
  if (header.kind != wire::Kind::kGather || header.bytes > wire::kMostBlobBytes ||
      header.bytes * ranks > wire::kMostRoundBytes || seat(rank).called) {
    fail_all({tuttiRemoteError, fmt::format("rank {} broke the meeting's protocol", rank), {rank}});
  } else if (gone != seats_.end()) {
    const auto left = static_cast<Rank>(gone - seats_.begin());
    fail_all({tuttiRemoteError,
              fmt::format("rank {} left before rank {} was done", left, rank),
              {left}});
  } else if (!round_) {
    const auto now = steady_clock::now();
    round_.emplace(Round{header.bytes, rank, 0, now, steady_clock::time_point::max(), nullptr});
    round_->blobs = std::make_shared<std::vector<std::byte>>(header.bytes * ranks);
  } else if (round_->bytes != header.bytes) {
    fail_all({tuttiMismatch,
              fmt::format("rank {} brought {} bytes to an all-gather to which rank {} brought {}",
                          rank, header.bytes, round_->first, round_->bytes),
              {rank}});
  }
  if (!failure_) tighten_deadline(header.timeout_ms);
}

void MeetingTable::tighten_deadline(std::uint32_t timeout_ms) {
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  if (deadline >= round_->deadline) return;
  round_->deadline = deadline;
  timer_.expires_at(deadline);
  timer_.async_wait([this](boost::system::error_code error) {
    // A wait that had already ended when its round did is not of this round.
    if (!error && round_ && steady_clock::now() >= round_->deadline) on_deadline();
  });
}

void MeetingTable::on_payload(MeetingConnection& connection, const wire::Header& header) {
  if (header.kind != wire::Kind::kGather) return;
  seat(guests_.at(&connection)).brought = true;
  if (++round_->brought == ranks_) finish_round();
}

void MeetingTable::finish_round() {
  timer_.cancel();
  const Blob blobs = std::move(round_->blobs);
  round_.reset();
  for (Seat& s : seats_) {
    s.called = s.brought = false;
    s.connection->send({.kind = wire::Kind::kGathered, .bytes = blobs->size()}, blobs);
  }
}

void MeetingTable::on_deadline() {
  std::vector<Rank> absent, silent, all;
  for (Rank rank = 0; rank < ranks_; ++rank) {
    if (seat(rank).brought) continue;
    (seat(rank).joined ? silent : absent).push_back(rank);
    all.push_back(rank);
  }
  std::string what;
  if (!absent.empty()) what += name_ranks(absent) + " did not join";
  if (!absent.empty() && !silent.empty()) what += " and ";
  if (!silent.empty()) what += name_ranks(silent) + " joined but did not follow";
  const std::chrono::duration<double> waited = round_->deadline - round_->begin;
  fail_all({tuttiTimeout, fmt::format("{} within {:.3g} s", what, waited.count()), all});
}

void MeetingTable::on_closed(MeetingConnection& connection) {
  strangers_.remove(&connection);
  if (const auto guest = guests_.find(&connection); guest != guests_.end()) {
    const Rank rank = guest->second;
    guests_.erase(guest);
    if (rank >= 0) {
      seat(rank).connection = nullptr;
      if (!seat(rank).left)
        report_death(rank, fmt::format("rank {} died: its connection closed", rank));
    }
  }
  changed_();
}

void MeetingTable::report_death(Rank rank, const std::string& sentence) {
  if (rank < ranks_ && seat(rank).left) return;
  fail_all({tuttiRemoteError, sentence, {rank}});
}

void MeetingTable::abandon() {
  for (MeetingConnection* connection : strangers_) connection->close();
  for (Seat& s : seats_) {
    if (s.connection != nullptr) s.connection->close();
  }
}

void MeetingTable::fail_all(Error error) {
  if (failure_) return;
  TUTTI_INFO(kBootstrap, "the ranks' meeting failed: {}", error.what());
  failure_.emplace(std::move(error));
  timer_.cancel();
  for (Seat& s : seats_) {
    if (s.connection != nullptr) send_failure(*s.connection);
  }
}

void MeetingTable::send_failure(MeetingConnection& connection) {
  const std::vector<std::int32_t> culprits(failure_->culprits().begin(),
                                           failure_->culprits().end());
  const wire::Failure failure{failure_->code(), static_cast<std::int32_t>(culprits.size())};
  std::string body(sizeof(failure) + culprits.size() * sizeof(std::int32_t), '\0');
  std::memcpy(body.data(), &failure, sizeof(failure));
  std::copy_n(reinterpret_cast<const char*>(culprits.data()), body.size() - sizeof(failure),
              body.begin() + sizeof(failure));
  body += failure_->what();
  connection.send_last({.kind = wire::Kind::kFailed, .bytes = body.size()}, blob_of(body));
}

}  // namespace tutti
