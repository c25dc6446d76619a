// Shared memory between the ranks of one host, processes and threads alike. Loads and stores reach
// every peer; lines are stores, doorbells are futexes, death is told by pidfds.
#pragma once

#include <memory>
#include <tutti/transport.hpp>
#include <vector>

#include "base/clock.hpp"
#include "base/process.hpp"
#include "bootstrap/bootstrap.hpp"
#include "transports/shm/heap_window.hpp"
#include "transports/shm/liveness.hpp"
#include "transports/shm/shm_control.hpp"

namespace tutti::shm {

// Who notices that a process has died.
enum class DeathWatch : std::uint8_t {
  kHere,
  kElsewhere  // and tells the ranks; this transport only is memory
};

class ShmTransport final : public Transport {
 public:
  // Collective. `bootstrap` is used by this and by open_*, not later; the caller keeps it until
  // then. tuttiInvalidUsage, naming the rank, when a rank is on another host.
  explicit ShmTransport(Bootstrap& bootstrap, DeathWatch deaths = DeathWatch::kHere);
  ~ShmTransport() override;

  std::string_view name() const noexcept override { return "shm"; }
  Access access(Rank) const noexcept override {
    return {.views = true,
            .stores = true,
            .gets = gets_,
            .shared_words = true,
            .needs_progress = false,
            .ordered = true};
  }
  Path path(Rank peer) const noexcept override;
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override;
  std::unique_ptr<Window> open_window(WindowKind kind) override;
  void progress() override {}
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override;
  void announce_fence() noexcept override;
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override;
  void abort(const Error& error) noexcept override;
  std::optional<Error> failure() const override;
  Waiting waiting() const noexcept override { return waiting_; }

 private:
  // Collective: does every rank read the memory of a rank of another process?
  bool try_gets(const std::vector<std::uintptr_t>& tokens) const;

  struct Peer {
    ProcessToken process;
    std::int32_t pid = 0;
    PeerHeap heap;
    std::int32_t node = -1;  // as in Hello
  };

  Bootstrap& bootstrap_;
  Rank rank_;
  DeathWatch deaths_;
  std::vector<Peer> peers_;
  Waiting waiting_ = Waiting::kSpin;
  bool fenced_ = false;
  bool gets_ = false;
  SteadyClock clock_;
  std::shared_ptr<ControlMemory> memory_;  // from open_control on
  std::unique_ptr<LivenessWatch> watch_;
};

}  // namespace tutti::shm
