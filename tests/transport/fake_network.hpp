// A network of reliable datagrams within a process, as libfabric might give one: with what several
// of its providers want and do, and as unkind as they may be.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"

namespace tutti::test {

// Writes into peers' memory, as a network has them.
struct FakeWrites {
  std::size_t most_bytes = std::size_t{1} << 30;  // of one write
  std::size_t worth_bytes = 256;
  bool by_address = true;      // FI_MR_VIRT_ADDR; otherwise offsets in the region
  bool chooses_keys = true;    // FI_MR_PROV_KEY
  std::size_t data_bytes = 4;  // domain_attr.cq_data_size
  bool uses_receives = false;  // FI_RX_CQ_DATA
  std::size_t most_regions = 1 << 20;
  std::atomic<bool>* held = nullptr;  // while it is true writes are under way, and none comes
};

struct FakeHabits {
  const char* name = "";
  std::size_t message_bytes = std::size_t{1} << 30;
  bool ordered = true;           // messages of a pair come in the order of their sending
  bool registers_local = false;  // memory that is not registered is a failure of the test
  bool sleeps = true;
  std::optional<FakeWrites> writes{};
  unsigned later_in = 0;  // one of so many sends and writes must be repeated; 0: none
  unsigned fails_in = 0;  // one of so many fails, whether it came or not; 0: none
};

// A rank on an endpoint of its own of the network with these habits, which all such ranks of the
// process share. `habits` is never freed.
std::unique_ptr<Transport> open_on_fake(const FakeHabits& habits, Bootstrap& bootstrap,
                                        Nanoseconds timeout = std::chrono::seconds(60));
// Writes that have come on that network.
std::uint64_t writes_on_fake(const FakeHabits& habits);

}  // namespace tutti::test
