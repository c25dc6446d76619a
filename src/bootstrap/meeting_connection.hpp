// One rank's connection to the meeting: reads hello and frames, writes frames in order. Everything
// runs on the meeting's thread.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

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
    // False: not one of ours, to be closed without a word.
    virtual bool on_hello(MeetingConnection& connection, const wire::Hello& hello) = 0;
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
  MeetingConnection(Socket socket, Listener& listener);

  // Waits for the hello; closes a connection that does not send it within 2 s.
  void start();
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

  void read_header();
  void read_payload(std::span<std::byte> payload);
  void drain();
  void write_next();
  void end();

  Socket socket_;
  Listener& listener_;
  boost::asio::steady_timer hello_timer_;
  wire::Hello hello_;
  wire::Header header_;
  std::deque<Frame> outgoing_;
  std::array<std::byte, 4096> scratch_;
  bool greeted_ = false;
  bool draining_ = false;
  bool ended_ = false;
};

}  // namespace tutti
