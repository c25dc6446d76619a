// Who sits at a meeting, and the round of all-gather in progress: decides what each rank is told.
// Lives on the meeting's thread.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tutti/error.hpp>
#include <tutti/transport.hpp>
#include <vector>

#include "bootstrap/meeting_connection.hpp"

namespace tutti {

class MeetingTable final : public MeetingConnection::Listener {
 public:
  // `changed` is called after a connection was let in, turned away or closed.
  MeetingTable(boost::asio::io_context& io, const MeetingSecret& secret,
               std::function<void()> changed);

  // A new connection, not yet known to be a rank's.
  void welcome(MeetingConnection::Socket socket);
  // Connections that have not shown the secret yet.
  std::size_t strangers() const noexcept { return strangers_.size(); }
  // Sends the one away that has been silent for longest; false: all have said something, or have
  // just come.
  bool make_room();
  // All ranks have joined, and all of them have disconnected.
  bool complete() const noexcept { return ranks_ > 0 && joined_ == ranks_ && guests_.empty(); }
  // Closes every connection without a word; allocates nothing.
  void abandon();
  void report_death(Rank rank, const std::string& sentence);

  void on_hello(MeetingConnection& connection, const wire::Hello& hello) override;
  void on_stranger(wire::Stranger why) override;
  std::span<std::byte> on_header(MeetingConnection& connection,
                                 const wire::Header& header) override;
  void on_payload(MeetingConnection& connection, const wire::Header& header) override;
  void on_closed(MeetingConnection& connection) override;

 private:
  struct Seat {
    MeetingConnection* connection = nullptr;  // until on_closed
    bool joined = false;
    bool left = false;     // said goodbye
    bool called = false;   // this round's header is here
    bool brought = false;  // and the blob too
  };
  struct Round {
    std::uint64_t bytes = 0;  // of one rank
    Rank first = 0;           // who began it
    int brought = 0;
    std::chrono::steady_clock::time_point begin, deadline;
    std::shared_ptr<std::vector<std::byte>> blobs;
  };

  std::string reason_to_refuse(const wire::Hello& hello) const;
  void refuse(MeetingConnection& connection, const std::string& sentence);
  void begin_or_check_round(Rank rank, const wire::Header& header);
  void tighten_deadline(std::uint32_t timeout_ms);
  void finish_round();
  void on_deadline();
  void fail_all(Error error);
  void send_failure(MeetingConnection& connection);
  Seat& seat(Rank rank) { return seats_[static_cast<std::size_t>(rank)]; }

  const Key key_;
  const std::function<void()> changed_;
  boost::asio::steady_timer timer_;
  std::list<MeetingConnection*> strangers_;  // the oldest first
  std::array<std::uint64_t, wire::kStrangers> turned_away_{};
  std::map<const MeetingConnection*, Rank> guests_;  // a rank that was refused is -1
  std::vector<Seat> seats_;
  int ranks_ = 0;  // 0 until the first hello
  int joined_ = 0;
  std::optional<Round> round_;    // kept after a failure: blobs may still be arriving in it
  std::optional<Error> failure_;  // what every rank is told from then on
};

}  // namespace tutti
