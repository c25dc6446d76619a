// The transports that the conformance suite runs over, and how their ranks are run. A new transport
// adds a line to kinds().
#pragma once

#include <functional>
#include <memory>
#include <tutti/transport.hpp>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "tests/support/scale.hpp"
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

std::unique_ptr<Transport> open_ofi_verbs(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_efa(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_cxi(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_psm3(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_psm3_without_data(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_sockets(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_shm(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_hostile(Bootstrap& bootstrap);
std::unique_ptr<Transport> open_ofi_hostile_writes(Bootstrap& bootstrap);

inline constexpr TransportKind kTcp{"tcp", open_tcp, run_on_threads, yield_thread};
inline constexpr TransportKind kHybrid{"hybrid", open_hybrid, run_on_threads, yield_thread};
inline constexpr TransportKind kShm{"shm", open_shm, run_on_threads, yield_thread};

// Is transport ofi in this build, and worth a run over libfabric? Sanitizers know nothing of what
// libfabric does.
#ifdef TUTTI_WITH_OFI
inline constexpr bool kWithOfi = !kSanitized;
#else
inline constexpr bool kWithOfi = false;
#endif
inline constexpr TransportKind kOfi{"ofi", open_ofi, run_on_threads, yield_thread};

// On the example's plugin, where it is built.
std::unique_ptr<Transport> open_plugin(Bootstrap& bootstrap);
#ifdef TUTTI_UNIX_PLUGIN
inline constexpr bool kWithPlugin = !kSanitized;
#else
inline constexpr bool kWithPlugin = false;
#endif
inline constexpr TransportKind kPlugin{"plugin", open_plugin, run_on_threads, yield_thread};

inline std::vector<TransportKind> kinds() {
  std::vector<TransportKind> all = {
      kShm,
      kTcp,
      kHybrid,
      {"ofi_efa", open_ofi_efa, run_on_threads, yield_thread},
      {"ofi_hostile", open_ofi_hostile, run_on_threads, yield_thread},
      {"ofi_hostile_writes", open_ofi_hostile_writes, run_on_threads, yield_thread},
      {"ub_ideal", open_ub, run_on_ideal_bus, yield_fibre},
      {"ub_wire", open_ub, run_on_wire_bus, yield_fibre},
      {"ub_hostile", open_ub, run_on_hostile_bus, yield_fibre},
  };
  if (kWithOfi) all.push_back(kOfi);
  if (kWithPlugin) all.push_back(kPlugin);
  // With these, only less can happen than with those above.
  if (!kSanitized) {
    all.push_back({"ofi_verbs", open_ofi_verbs, run_on_threads, yield_thread});
    all.push_back({"ofi_cxi", open_ofi_cxi, run_on_threads, yield_thread});
    all.push_back({"ofi_psm3", open_ofi_psm3, run_on_threads, yield_thread});
    all.push_back(
        {"ofi_psm3_without_data", open_ofi_psm3_without_data, run_on_threads, yield_thread});
    all.push_back({"ofi_sockets", open_ofi_sockets, run_on_threads, yield_thread});
    all.push_back({"ofi_shm", open_ofi_shm, run_on_threads, yield_thread});
  }
  return all;
}

// Those whose ranks may be processes.
inline std::vector<TransportKind> process_kinds() {
  std::vector<TransportKind> all = {kShm, kTcp, kHybrid};
  if (kWithOfi) all.push_back(kOfi);
  if (kWithPlugin) all.push_back(kPlugin);
  return all;
}

}  // namespace tutti::test
