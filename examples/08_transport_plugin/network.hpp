// Messages between processes of a host, by Unix sockets: SOCK_SEQPACKET keeps them whole and in
// order, loses none, and says when the other end is gone. Names are abstract: the kernel chooses
// them, and they leave no files behind.
//
// Each endpoint listens at its name; who sends connects, so that a connection carries messages one
// way. A message is sent, or is not, when send() returns; its end is reported all the same.
//
// Whoever knows the name can connect. What comes from strangers Tutti lets go unread.
#pragma once

#include <tutti/transport_plugin.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

// The header leaves it to the plugin what a network is.
struct tuttiPluginNetwork {
 public:
  // Throws std::system_error.
  tuttiPluginNetwork();

  const std::string& name() const noexcept { return name_; }
  int wait_descriptor() const noexcept { return set_.get(); }

  // As the functions of the table that have these names.
  std::uint64_t add_peer(std::string name);
  int send(std::uint64_t peer, const void* message, std::size_t bytes,
           tuttiPluginOperation_t* operation);
  void receive(void* memory, std::size_t bytes, tuttiPluginOperation_t* operation);
  std::size_t read(tuttiPluginCompletion_t* ends, std::size_t most);
  bool may_wait();
  void shut() noexcept;

 private:
  // Where a message may go.
  struct Place {
    void* memory;
    std::size_t bytes;
    tuttiPluginOperation_t* operation;
  };
  // Whom messages go to.
  struct Peer {
    std::string name;
    Descriptor socket;  // connected at the first message
  };
  enum class Arrival { kMessage, kNothing, kClosed };

  int connect(Peer& peer);  // outgoing_ held; 0 or an errno
  void end(const tuttiPluginCompletion_t& completion);
  void accept_all();                                          // incoming_ held
  bool take_from(int socket, tuttiPluginCompletion_t& done);  // incoming_ held
  Arrival take(int socket, tuttiPluginCompletion_t& done);    // incoming_ held
  std::size_t take_ends(tuttiPluginCompletion_t* ends, std::size_t most);

  std::string name_;     // without the zero before it that makes it abstract
  Descriptor listener_;  // new connections
  Descriptor wake_;      // an eventfd: there are ends, and somebody may sleep
  Descriptor set_;       // an epoll of all that something comes from

  std::mutex outgoing_;
  std::deque<Peer> peers_;  // by number; under outgoing_

  std::mutex incoming_;
  std::deque<Place> places_;  // under incoming_
  std::vector<Descriptor>
      sockets_;  // by descriptor, those that messages come from; under incoming_

  std::mutex ended_;
  std::deque<tuttiPluginCompletion_t> ends_;  // under ended_
  bool wanted_ = false;                       // somebody may sleep; under ended_
};
