// Where what comes in on a link goes: bytes into the memory of this process's ranks, lines with a
// ring of the bell, answers to who has asked; and answers to what the peer asks. Of its link, which
// calls everything here under its lock of receiving.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "transports/message/carrier.hpp"
#include "transports/message/inbox.hpp"
#include "transports/message/port.hpp"

namespace tutti::message {

class Endpoint;
class Link;
class Node;

// Ranges of one peer's window that one frame asks for. Owned by who waits for it, until it is
// answered or Link::give_up() returns.
struct Asked {
  enum State : std::uint32_t { kOpen, kAnswered, kFailed };

  std::span<Wanted> wanted;
  Port* port = nullptr;      // whose bell is rung at the end
  std::uint32_t number = 0;  // on its link
  std::size_t piece = 0;     // where the next byte goes: of which range,
  std::size_t at = 0;        // and where in it
  std::atomic<std::uint32_t> state{kOpen};
};

class Delivery final : public Inbox::Handler {
 public:
  // `node` and `link` outlive it.
  Delivery(Node& node, Link& link) noexcept : node_(node), link_(link) {}

  // An answer will come: gives `asked` its number. False: none will, and that is its state.
  bool expect(Asked& asked);
  void give_up(const Asked& asked) { asked_.erase(asked.number); }
  // Nothing comes any more.
  void end();
  // The endpoint goes: nothing is written to its memory from now on.
  void forget(const Endpoint& endpoint);

  // Does the content of the frame that is coming go to memory of that endpoint?
  bool goes_to(const Endpoint& endpoint) const noexcept { return destination_.get() == &endpoint; }

  bool begin_content(const Frame& frame, std::string& complaint) override;
  std::span<std::byte> place(const Frame& frame, std::uint64_t at) override;
  bool fill(const Frame& frame, std::span<std::byte> place, std::span<const std::byte> bytes,
            std::string& complaint) override;
  void end_content(const Frame& frame) override;
  bool on_frame(const Frame& frame, std::span<const std::byte> content,
                std::string& complaint) override;

 private:
  void on_answer(const Frame& frame);
  void refuse(const Frame& frame);
  static bool on_post(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> content,
                      std::string& complaint);
  static bool on_error(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> content,
                       std::string& complaint);
  void answer(Endpoint& endpoint, const Frame& frame, std::span<const std::byte> ranges);
  void end_answer(const Frame& frame, std::uint64_t how);
  void end_asked(Asked& asked, Asked::State state);

  Node& node_;
  Link& link_;
  std::shared_ptr<Endpoint> destination_;  // of the content that comes
  std::byte* target_ = nullptr;            // where it goes; nullptr: nowhere
  std::map<std::uint32_t, Asked*> asked_;  // by number
  std::uint32_t last_number_ = 0;
  bool ended_ = false;
};

}  // namespace tutti::message
