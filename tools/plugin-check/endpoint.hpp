// A network of the plugin as the checks use it: by the table alone, with all that the header says
// looked at on the way - each end reported once, nothing written behind a place, and so on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "check.hpp"

namespace tutti::plugin_check {

// How long anything may take that should happen at once.
inline constexpr std::chrono::seconds kPatience{10};

// Of messages whose length does not matter: every network takes them.
inline constexpr std::size_t kMessageBytes = TUTTI_PLUGIN_LEAST_MESSAGE_BYTES;

using Bytes = std::vector<std::byte>;

class Endpoint {
 public:
  struct Options {
    std::size_t message_bytes = kMessageBytes;  // of the longest that is sent or received here
    std::size_t senders = 64;                   // messages that may be on their way
    std::size_t places = 32;                    // lent at once
  };
  explicit Endpoint(const Plugin& plugin) : Endpoint(plugin, Options()) {}
  Endpoint(const Plugin& plugin, const Options& options);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const tuttiPluginEndpoint_t& told() const { return told_; }
  std::span<const unsigned char> address() const { return {told_.address, told_.address_bytes}; }
  std::uint64_t add(std::span<const unsigned char> address);
  std::uint64_t add(const Endpoint& other) { return add(other.address()); }

  // From any thread. Tries once; what send() returns.
  int try_send(std::uint64_t peer, std::span<const std::byte> message);
  // Tries until it is taken, driving this endpoint; what send() returned at last.
  int send(std::uint64_t peer, std::span<const std::byte> message);
  void lend(std::size_t places);

  // Reads what has ended. From any thread; one of them does.
  void drive();
  // Drives until `holds()`; Failed, saying `what`, when it does not for kPatience.
  template <typename Condition>
  void await(const char* what, const Condition& holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
      drive();
      expect(std::chrono::steady_clock::now() < end, "{} for {} s", what, kPatience.count());
    }
  }

  std::size_t on_way();                // sends whose end has not been reported
  std::size_t sent();                  // how many have been reported as sent
  std::vector<Bytes> take_messages();  // that have come since
  std::size_t messages();              // how many are to be taken
  std::vector<int> failures();         // errors of ends, all

  bool may_wait() { return table_.may_wait(network_) != 0; }
  void shut();
  // What is in the places that are lent, to see whether it changes.
  Bytes places() const { return {memory_.begin(), memory_.end()}; }

 private:
  enum class Use { kFree, kSends, kReceives };
  struct Transfer : tuttiPluginOperation_t {
    Use use = Use::kFree;
    std::span<std::byte> memory{};
  };
  static constexpr std::size_t kGuardBytes = 64;

  Transfer* free_transfer(Use use);
  void on_end(const tuttiPluginCompletion_t& end);  // mutex_ held
  void check_guard(const Transfer& transfer) const;

  const tuttiTransportPlugin_t& table_;
  const Options options_;
  tuttiPluginEndpoint_t told_{};
  tuttiPluginNetwork_t* network_ = nullptr;
  tuttiPluginRegion_t* region_ = nullptr;
  Bytes memory_;  // of all transfers: a message each, and a guard
  bool is_shut_ = false;

  std::mutex reading_;
  std::mutex mutex_;  // everything below
  std::deque<Transfer> transfers_;
  std::vector<Bytes> messages_;
  std::vector<int> failures_;
  std::size_t sent_ = 0;
};

}  // namespace tutti::plugin_check
