// A network of reliable datagrams as libfabric gives it, and no more of it than this transport
// needs: messages to any endpoint, writes into registered memory of which the target hears, and one
// place where all ends are reported. What a network can do it says itself (Capabilities); nobody
// asks for its name.
//
// Any thread may call anything; one at a time calls read().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tutti::ofi {

struct Capabilities {
  std::string provider;           // for messages to people
  std::size_t message_bytes = 0;  // of the longest message
  bool writes = false;            // write() is there
  bool ordered = false;           // messages from one endpoint to another arrive in order
  bool registers_local = false;   // what is sent, received into and written from is registered
  bool by_address = false;  // writes name addresses; else distances from where a region begins
  bool pins = false;        // memory is there when it is registered, and stays
  bool gives_keys = false;  // the network chooses keys; else who registers does
  bool sleeps = false;      // wait_descriptor() becomes readable when read() has something
};

// Memory that the network may use, as long as this lives.
class Region {
 public:
  virtual ~Region() = default;
  virtual std::uint64_t key() const noexcept = 0;
};

// What a transfer is known by until its end is reported. The network keeps notes in it.
struct Operation {
  void* reserved[8] = {};
};

struct Completion {
  enum class Kind : std::uint8_t {
    kSent,      // `operation` is over, and its memory free
    kReceived,  // a message of `bytes` is in the memory of `operation`
    kWritten,   // as kSent, of a write
    kArrived,   // somebody's write is in this process's memory, and said `data`
    kFailed     // `operation` has failed with `error`; nullptr: nobody knows which
  };
  Kind kind = Kind::kSent;
  Operation* operation = nullptr;
  std::size_t bytes = 0;
  std::uint64_t data = 0;
  int error = 0;  // an errno, or one of libfabric's own
};

enum class Taken : std::uint8_t {
  kYes,
  kLater,  // queues are full: read() and repeat
  kNever   // it is broken
};

using PeerAddress = std::uint64_t;

class Fabric {
 public:
  virtual ~Fabric() = default;

  virtual const Capabilities& capabilities() const noexcept = 0;
  // Of this process's endpoint, for others; at most kMostAddressBytes.
  static constexpr std::size_t kMostAddressBytes = 256;
  virtual std::span<const std::byte> address() const noexcept = 0;
  // tuttiSystemError for what is no address.
  virtual PeerAddress add_peer(std::span<const std::byte> address) = 0;

  // Memory that peers may write, where `remote`, and that messages may use. `key`: where the
  // network does not give keys itself. tuttiSystemError where it takes no more.
  struct Use {
    bool remote = false;
    std::uint64_t key = 0;
  };
  virtual std::unique_ptr<Region> register_memory(std::span<std::byte> memory, const Use& use) = 0;

  // `local`, where the network wants it: the region in which the memory lies.
  virtual Taken send(PeerAddress peer, std::span<const std::byte> message, const Region* local,
                     Operation& operation) = 0;
  virtual Taken receive(std::span<std::byte> place, const Region* local, Operation& operation) = 0;
  // Where a write goes: an address, or a distance (Capabilities::by_address).
  struct Target {
    std::uint64_t at = 0;
    std::uint64_t key = 0;
  };
  // The target hears `data`, of 32 bits, once the bytes are there.
  virtual Taken write(PeerAddress peer, std::span<const std::byte> source, const Region* local,
                      const Target& target, std::uint32_t data, Operation& operation) = 0;

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

// On the provider of libfabric that TUTTI_OFI_PROVIDER names, or the first that can be used.
// tuttiSystemError that says why where there is none, tuttiInvalidArgument that lists what there is
// where the name is of none.
std::unique_ptr<Fabric> open_fabric();

}  // namespace tutti::ofi
