// A network of reliable datagrams, and no more of it than is needed here: messages to any endpoint,
// in any order, and one place where all ends are reported. What a network wants and can do it says
// itself (Capabilities); nobody decides by its name.
//
// Any thread may call anything; one at a time calls read().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tutti::packets {

struct Capabilities {
  std::string transport;          // what a transport on it is called: "ofi"
  std::string network;            // which network, for people: "libfabric provider tcp;ofi_rxm"
  std::size_t message_bytes = 0;  // of the longest message
  bool registers_local = false;   // what is sent, written and received into is registered
  bool sleeps = false;            // wait_descriptor() becomes readable when read() has something
};

// Memory that the network may use, as long as this lives.
class Region {
 public:
  virtual ~Region() = default;
};

// What a transfer is known by until its end is reported. The network keeps notes in it.
struct Operation {
  void* reserved[8] = {};
};

struct Completion {
  enum class Kind : std::uint8_t {
    kSent,      // `operation`, a message or a write, is over, and its memory free
    kReceived,  // a message of `bytes` is in the memory of `operation`
    kWritten,   // a peer's write with `number` is in this process's memory, all of it; `operation`,
                // unless nullptr: a place to receive into that this has used up, and where nothing
                // is
    kFailed     // `operation` has failed with `error`; nullptr: nobody knows which
  };
  Kind kind = Kind::kSent;
  Operation* operation = nullptr;
  std::size_t bytes = 0;
  int error = 0;  // an errno, or one of the network's own
  std::uint32_t number = 0;
};

enum class Taken : std::uint8_t {
  kYes,
  kLater,  // queues are full: read() and repeat
  kNever   // it is broken
};

using PeerAddress = std::uint64_t;

// Where the first byte of memory is for peers that write there.
struct RemoteAddress {
  std::uint64_t address = 0;
  std::uint64_t key = 0;
};

// Of a network that writes into its peers' memory and tells them when it has.
class Writer {
 public:
  virtual std::size_t most_bytes() const noexcept = 0;  // of one write
  // From how many bytes on a write is worth the message to and fro that comes before it.
  virtual std::size_t worth_bytes() const noexcept = 0;

  // Peers that know its address write there, as long as the region lives: nothing is written there
  // once its destructor has returned. tuttiSystemError where the network takes no more.
  virtual std::unique_ptr<Region> open_to_peers(std::span<std::byte> memory) = 0;
  // Of the first byte of such a region.
  virtual RemoteAddress address_of(const Region& region) const noexcept = 0;

  // Writes `bytes` at `to` in the peer's memory; when all of them are there the peer is told
  // `number`, once for each write that does not fail. Writes and messages overtake each other.
  virtual Taken write(PeerAddress peer, std::span<const std::byte> bytes, const Region* local,
                      const RemoteAddress& to, std::uint32_t number, Operation& operation) = 0;

 protected:
  ~Writer() = default;
};

class Fabric {
 public:
  virtual ~Fabric() = default;

  virtual const Capabilities& capabilities() const noexcept = 0;
  // Of this process's endpoint, for others; at most kMostAddressBytes.
  static constexpr std::size_t kMostAddressBytes = 256;
  virtual std::span<const std::byte> address() const noexcept = 0;
  // tuttiSystemError for what is no address.
  virtual PeerAddress add_peer(std::span<const std::byte> address) = 0;

  // tuttiSystemError where it takes no more.
  virtual std::unique_ptr<Region> register_memory(std::span<std::byte> memory) = 0;

  // `local`, where the network wants it: the region in which the memory lies.
  virtual Taken send(PeerAddress peer, std::span<const std::byte> message, const Region* local,
                     Operation& operation) = 0;
  virtual Taken receive(std::span<std::byte> place, const Region* local, Operation& operation) = 0;

  // nullptr: it carries messages only. The same in each call; lives as long as this.
  virtual Writer* writer() noexcept { return nullptr; }

  // What has ended since; moves transfers forward.
  virtual std::size_t read(std::span<Completion> ends) = 0;

  // Capabilities::sleeps. A thread asks may_wait() before it sleeps; false: there is something.
  virtual int wait_descriptor() const noexcept = 0;
  virtual bool may_wait() noexcept = 0;

  // Nothing comes or goes from now on: memory that was lent for that is free, and ends of it are
  // not reported. Regions may still be given back.
  virtual void shut() noexcept = 0;

  // What an error of a completion means, for people.
  virtual std::string describe(int error) const = 0;
};

}  // namespace tutti::packets
