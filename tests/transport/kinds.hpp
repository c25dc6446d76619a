// The transports that the conformance suite runs over, and how their ranks are run. A new transport
// adds a line to kKinds.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"
#include "transports/registry.hpp"

namespace tutti::test {

struct TransportKind {
  using Body = std::function<void(std::unique_ptr<Bootstrap> bootstrap)>;

  const char* name;
  std::unique_ptr<Transport> (*open)(Bootstrap& bootstrap);
  // Runs `body` on every rank at once; what it throws is a failure of the test.
  void (*run)(int ranks, const Body& body);
  // Lets others run, for who looks again and again; after Transport::progress.
  void (*yield)();
};

// tests/transport/kinds.cpp
void run_on_threads(int ranks, const TransportKind::Body& body);
void yield_thread();
void run_on_ideal_bus(int ranks, const TransportKind::Body& body);
void run_on_wire_bus(int ranks, const TransportKind::Body& body);
void run_on_hostile_bus(int ranks, const TransportKind::Body& body);
void yield_fibre();

inline constexpr Nanoseconds kTransportTimeout = std::chrono::seconds(60);
inline std::unique_ptr<Transport> open_shm(Bootstrap& bootstrap) {
  return open_transport("shm", bootstrap, kTransportTimeout);
}
inline std::unique_ptr<Transport> open_ub(Bootstrap& bootstrap) {
  return open_transport("ub", bootstrap, kTransportTimeout);
}

inline std::unique_ptr<Transport> open_tcp(Bootstrap& bootstrap) {
  return open_transport("tcp", bootstrap, kTransportTimeout);
}

// Two ranks count as a host, so that there are some near and some far.
std::unique_ptr<Transport> open_hybrid(Bootstrap& bootstrap);

inline std::unique_ptr<Transport> open_ofi(Bootstrap& bootstrap) {
  return open_transport("ofi", bootstrap, kTransportTimeout);
}

inline constexpr TransportKind kOfi{"ofi", open_ofi, run_on_threads, yield_thread};
inline constexpr TransportKind kTcp{"tcp", open_tcp, run_on_threads, yield_thread};
inline constexpr TransportKind kHybrid{"hybrid", open_hybrid, run_on_threads, yield_thread};
inline constexpr TransportKind kShm{"shm", open_shm, run_on_threads, yield_thread};

inline constexpr std::array kKinds = {
    kShm,
    kTcp,
    kHybrid,
    kOfi,
    TransportKind{"ub_ideal", open_ub, run_on_ideal_bus, yield_fibre},
    TransportKind{"ub_wire", open_ub, run_on_wire_bus, yield_fibre},
    TransportKind{"ub_hostile", open_ub, run_on_hostile_bus, yield_fibre},
};

// Those whose ranks may be processes.
inline constexpr std::array kProcessKinds = {kShm, kTcp, kOfi, kHybrid};

}  // namespace tutti::test
