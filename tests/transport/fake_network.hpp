// A network of reliable datagrams within a process, as libfabric might give one: with what several
// of its providers want and do, and as unkind as they may be.
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"

namespace tutti::test {

struct FakeHabits {
  const char* name = "";
  std::size_t message_bytes = std::size_t{1} << 30;
  bool ordered = true;           // messages of a pair come in the order of their sending
  bool registers_local = false;  // memory that is not registered is a failure of the test
  bool sleeps = true;
  unsigned later_in = 0;  // one of so many sends must be repeated; 0: none
  unsigned fails_in = 0;  // one of so many sends fails, whether it came or not; 0: none
};

// A rank on an endpoint of its own of the network with these habits, which all such ranks of the
// process share. `habits` is never freed.
std::unique_ptr<Transport> open_on_fake(const FakeHabits& habits, Bootstrap& bootstrap);

}  // namespace tutti::test
