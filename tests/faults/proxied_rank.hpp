// A rank, in a process of its own, of a communicator over transport tcp that goes through proxies.
#pragma once

#include <memory>
#include <tutti/error.hpp>
#include <utility>

#include "bootstrap/meeting_client.hpp"
#include "communicator/communicator.hpp"
#include "tests/faults/proxied_bootstrap.hpp"

namespace tutti::test {

class ProxiedRank {
 public:
  // Collective.
  ProxiedRank(const tuttiUniqueId& id, int ranks, Rank rank, Nanoseconds timeout,
              const ProxiedBootstrap::Plan& plan)
      : ways_(join_meeting(id, ranks, rank, timeout), plan), timeout_(timeout) {}

  // Collective; throws what tuttiCommInitRank would return.
  void join() {
    Settings settings;
    settings.transport = "tcp";
    settings.timeout = timeout_;
    try {
      comm_ = std::make_unique<tuttiComm>(ways_, settings).release();
    } catch (const Error&) {
      ways_.leave();
      throw;
    }
  }

  ProxiedBootstrap& ways() { return ways_; }
  tuttiComm_t comm() const { return comm_; }
  // Other ranks' words go through this one's proxies: these are to live until all have heard them.
  void meet() { ways_.all_gather({}, {}); }
  tuttiResult_t destroy() { return tuttiCommDestroy(std::exchange(comm_, nullptr)); }

 private:
  ProxiedBootstrap ways_;
  const Nanoseconds timeout_;
  tuttiComm_t comm_ = nullptr;
};

}  // namespace tutti::test
