// One rank's connection to the meeting: shakes hands, reads frames, writes frames in order.
// Everything runs on the meeting's thread.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "bootstrap/meeting_handshake.hpp"
#include "bootstrap/meeting_wire.hpp"

namespace tutti {

// Shared, so that one copy of a round's blobs is written to every rank.
using Blob = std::shared_ptr<const std::vector<std::byte>>;

// Owned by the handlers of its pending reads and writes (hence shared): it goes when the last of
// them has run.
class MeetingConnection : public std::enable_shared_from_this<MeetingConnection> {
 public:
  // Told what happens; outlives the connections.
  class Listener {
   public:
    // It has shown that it knows the secret.
    virtual void on_hello(MeetingConnection& connection, const wire::Hello& hello) = 0;
    // It has not, and is closed; on_closed follows.
    virtual void on_stranger(wire::Stranger why) = 0;
    // Where the payload goes, header.bytes long, or nothing after send_last(). The memory must live
    // until on_payload or on_closed.
    virtual std::span<std::byte> on_header(MeetingConnection& connection,
                                           const wire::Header& header) = 0;
    virtual void on_payload(MeetingConnection& connection, const wire::Header& header) = 0;
    // The last call for this connection.
    virtual void on_closed(MeetingConnection& connection) = 0;

   protected:
    ~Listener() = default;
  };

  using Socket = boost::asio::ip::tcp::socket;
  // `key`, which outlives it, is of the meeting's secret.
  MeetingConnection(Socket socket, const Key& key, Listener& listener);

  // Shakes hands; closes a connection that does not do so within 2 s.
  void start();
  // Has said nothing, though it had the time to.
  bool is_silent() const noexcept;
  // Others want its place.
  void send_away() { turn_away(wire::Stranger::kSilence); }
  void send(const wire::Header& header, Blob payload = {});
  // Sends, then reads and drops whatever comes until the rank closes, so that the frame is not lost
  // to a reset.
  void send_last(const wire::Header& header, Blob payload);
  void close();

 private:
  struct Frame {
    wire::Header header;
    Blob payload;
  };

  void on_hello_read();
  void read_proof();
  void turn_away(wire::Stranger why);
  void read_header();
  void read_payload(std::span<std::byte> payload);
  void drain();
  void write_next();
  void end();

  Socket socket_;
  Listener& listener_;
  boost::asio::steady_timer greeting_timer_;
  const Key& key_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  wire::Hello hello_;
  wire::Challenge challenge_;
  wire::Proof proof_;
  wire::Header header_;
  std::deque<Frame> outgoing_;
  std::array<std::byte, 4096> scratch_;
  bool heard_ = false;    // its hello
  bool greeted_ = false;  // and its proof
  bool draining_ = false;
  bool ended_ = false;
};

}  // namespace tutti
