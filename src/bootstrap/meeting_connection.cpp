// Asio's callbacks of one connection.
#include "bootstrap/meeting_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

namespace tutti {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr std::chrono::seconds kGreetingTime{2};
// While others wait for a place.
constexpr std::chrono::milliseconds kPatience{100};
}  // namespace

MeetingConnection::MeetingConnection(Socket socket, const Key& key, Listener& listener)
    : socket_(std::move(socket)),
      listener_(listener),
      greeting_timer_(socket_.get_executor()),
      key_(key) {
  error_code ignored;  // slower without, not wrong
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

bool MeetingConnection::is_silent() const noexcept {
  return !heard_ && std::chrono::steady_clock::now() - begin_ > kPatience;
}

void MeetingConnection::start() {
  greeting_timer_.expires_after(kGreetingTime);
  greeting_timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->greeted_) self->turn_away(wire::Stranger::kSilence);
  });
  asio::async_read(socket_, asio::buffer(&hello_, sizeof(hello_)),
                   [self = shared_from_this()](error_code error, std::size_t) {
                     error ? self->turn_away(wire::Stranger::kLeft) : self->on_hello_read();
                   });
}

void MeetingConnection::on_hello_read() {
  if (hello_.magic != wire::kHelloMagic) return turn_away(wire::Stranger::kGarbage);
  heard_ = true;
  const bool same_version = hello_.version == wire::kProtocolVersion;
  challenge_ = same_version ? wire::make_challenge(key_, hello_) : wire::Challenge{};
  asio::async_write(socket_, asio::buffer(&challenge_, sizeof(challenge_)),
                    [self = shared_from_this(), same_version](error_code error, std::size_t) {
                      if (!same_version) return self->turn_away(wire::Stranger::kVersion);
                      error ? self->turn_away(wire::Stranger::kLeft) : self->read_proof();
                    });
}

void MeetingConnection::read_proof() {
  asio::async_read(
      socket_, asio::buffer(proof_), [self = shared_from_this()](error_code error, std::size_t) {
        if (error) return self->turn_away(wire::Stranger::kLeft);
        if (!same(self->proof_, wire::proof_of(self->key_, self->hello_, self->challenge_))) {
          return self->turn_away(wire::Stranger::kSecret);
        }
        self->greeting_timer_.cancel();
        self->greeted_ = true;
        self->listener_.on_hello(*self, self->hello_);
        self->draining_ ? self->drain() : self->read_header();
      });
}

void MeetingConnection::turn_away(wire::Stranger why) {
  if (ended_) return;
  greeting_timer_.cancel();
  listener_.on_stranger(why);
  end();
}

void MeetingConnection::read_header() {
  asio::async_read(socket_, asio::buffer(&header_, sizeof(header_)),
                   [self = shared_from_this()](error_code error, std::size_t) {
                     if (error) return self->end();
                     if (self->draining_) return self->drain();
                     const auto payload = self->listener_.on_header(*self, self->header_);
                     if (self->draining_) return self->drain();
                     self->read_payload(payload);
                   });
}

void MeetingConnection::read_payload(std::span<std::byte> payload) {
  asio::async_read(socket_, asio::buffer(payload.data(), payload.size()),
                   [self = shared_from_this()](error_code error, std::size_t) {
                     if (error) return self->end();
                     if (self->draining_) return self->drain();
                     self->listener_.on_payload(*self, self->header_);
                     self->draining_ ? self->drain() : self->read_header();
                   });
}

void MeetingConnection::drain() {
  socket_.async_read_some(asio::buffer(scratch_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                            error ? self->end() : self->drain();
                          });
}

void MeetingConnection::send(const wire::Header& header, Blob payload) {
  if (ended_ || draining_) return;
  outgoing_.push_back({header, std::move(payload)});
  if (outgoing_.size() == 1) write_next();
}

void MeetingConnection::send_last(const wire::Header& header, Blob payload) {
  send(header, std::move(payload));
  draining_ = true;
}

void MeetingConnection::write_next() {
  const Frame& frame = outgoing_.front();
  const std::array<asio::const_buffer, 2> buffers = {
      asio::buffer(&frame.header, sizeof(frame.header)),
      frame.payload ? asio::buffer(*frame.payload) : asio::const_buffer()};
  asio::async_write(socket_, buffers, [self = shared_from_this()](error_code error, std::size_t) {
    if (error) return;  // the pending read fails too, and ends the connection
    self->outgoing_.pop_front();
    if (!self->outgoing_.empty()) self->write_next();
  });
}

void MeetingConnection::close() {
  error_code ignored;
  socket_.close(ignored);  // the pending read or write completes with an error
}

void MeetingConnection::end() {
  if (std::exchange(ended_, true)) return;
  close();
  listener_.on_closed(*this);
}

}  // namespace tutti
