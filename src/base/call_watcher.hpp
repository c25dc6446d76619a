// Who hears which calls of the library a fibre carries out: the record of a simulated run. On a
// thread nobody does, and saying so costs a comparison.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/context.hpp"

namespace tutti {

class FibreHost;

// One rank's part of a call. What the views refer to lives while CallNote's constructor runs.
struct CallFacts {
  static constexpr std::uint64_t kNoSequence = ~std::uint64_t{0};

  std::string_view kind;            // "AllReduce"
  std::uint64_t bytes = 0;          // of the caller's buffer: what `count` says
  std::string_view communicator{};  // its name; empty: of none
  int ranks = 0;                    // of that communicator
  // Its number there, the same on all ranks; kNoSequence: only this rank's.
  std::uint64_t sequence = kNoSequence;
  std::string_view algorithm{};  // empty: none was chosen
};

class CallWatcher {
 public:
  // Of the fibre that runs; nullptr: nobody listens.
  static CallWatcher* current() noexcept {
    FibreHost* const host = current_context().host;
    return host == nullptr ? nullptr : of(*host);
  }

  // The calling fibre begins a call, and ends the one that it began last. Calls may be nested.
  virtual void call_begins(const CallFacts& facts) = 0;
  virtual void call_ends() noexcept = 0;
  // In the innermost call: rows[i] of what this rank received are for the expert experts[i], by its
  // number among all.
  virtual void experts_received(std::span<const int> experts,
                                std::span<const std::int64_t> rows) = 0;
  // Does it keep what the calling fibre would say?
  virtual bool listens() noexcept = 0;

 protected:
  ~CallWatcher() = default;

 private:
  static CallWatcher* of(FibreHost& host) noexcept;
};

// A call of the fibre that made this, as long as it lives.
class CallNote {
 public:
  explicit CallNote(const CallFacts& facts) : watcher_(CallWatcher::current()) {
    if (watcher_ != nullptr) [[unlikely]]
      watcher_->call_begins(facts);
  }
  // facts() says them, where somebody listens.
  template <std::invocable Facts>
  explicit CallNote(const Facts& facts) : watcher_(CallWatcher::current()) {
    if (watcher_ != nullptr) [[unlikely]]
      watcher_->call_begins(facts());
  }
  ~CallNote() {
    if (watcher_ != nullptr) [[unlikely]]
      watcher_->call_ends();
  }
  CallNote(const CallNote&) = delete;
  CallNote& operator=(const CallNote&) = delete;

 private:
  CallWatcher* watcher_;
};

}  // namespace tutti
