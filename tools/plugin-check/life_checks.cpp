// How networks begin and end, how their ends are noticed, and what is woken.
#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <thread>

#include "check.hpp"
#include "endpoint.hpp"
#include "processes.hpp"
#include "traffic.hpp"

namespace tutti::plugin_check {

namespace {

using std::chrono::milliseconds;

void exchange(Endpoint& one, Endpoint& other, std::uint32_t first) {
  constexpr std::uint32_t kCount = 5;
  const std::uint64_t peer = one.add(other);
  Arrivals arrivals(kMessageBytes);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const int error = one.send(peer, labelled({0, first + i}, kMessageBytes));
    expect(error == 0, "send() fails: error {}", error);
  }
  await_all(one, other, arrivals, kCount);
}

std::string endpoint(const Plugin& plugin) {
  Endpoint one(plugin);
  const tuttiPluginEndpoint_t& told = one.told();
  expect(told.size == sizeof(told), "open() changes the size of what it fills");
  expect(told.message_bytes >= TUTTI_PLUGIN_LEAST_MESSAGE_BYTES,
         "messages of {} bytes are too short: at least {}", told.message_bytes,
         TUTTI_PLUGIN_LEAST_MESSAGE_BYTES);
  expect(told.address_bytes > 0 && told.address_bytes <= sizeof(told.address),
         "the address has {} bytes, and should have 1 to {}", told.address_bytes,
         sizeof(told.address));
  const bool sleeps = (plugin.table->capabilities & TUTTI_PLUGIN_SLEEPS) != 0;
  expect(sleeps == (told.wait_descriptor >= 0), "wait_descriptor is {} {} TUTTI_PLUGIN_SLEEPS",
         told.wait_descriptor, sleeps ? "with" : "without");
  return fmt::format("messages of up to {} bytes, addresses of {}", told.message_bytes,
                     told.address_bytes);
}

std::string twice(const Plugin& plugin) {
  Endpoint one(plugin);
  Endpoint other(plugin);
  expect(!std::ranges::equal(one.address(), other.address()), "two endpoints have one address");
  one.lend(8);
  other.lend(8);
  one.add(other);
  exchange(one, other, 0);
  exchange(other, one, 100);
  {
    Endpoint third(plugin);
    third.lend(8);
    exchange(one, third, 200);
  }
  exchange(one, other, 300);
  return "";
}

std::size_t descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  std::size_t count = 0;
  while (folder && ::readdir(folder.get()) != nullptr) ++count;
  return count;
}

std::string frees(const Plugin& plugin) {
  const auto once = [&](std::uint32_t round) {
    Endpoint one(plugin);
    Endpoint other(plugin);
    other.lend(8);
    exchange(one, other, round * 100);
  };
  for (std::uint32_t round = 0; round < 3; ++round) once(round);  // what it keeps for good
  const std::size_t before = descriptors();
  for (std::uint32_t round = 3; round < 20; ++round) once(round);
  const std::size_t after = descriptors();
  expect(after <= before, "after 17 times open() and close() there are {} descriptors more",
         after - before);
  return "";
}

std::string regions(const Plugin& plugin) {
  if ((plugin.table->capabilities & TUTTI_PLUGIN_REGISTERS) == 0) return "registers nothing";
  const tuttiTransportPlugin_t& table = *plugin.table;
  tuttiPluginEndpoint_t told{};
  told.size = sizeof(told);
  tuttiPluginNetwork_t* network = nullptr;
  expect(table.open(&network, &told) == 0, "open() fails");
  Bytes memory(std::size_t{1} << 20);
  for (int round = 0; round < 100; ++round) {
    tuttiPluginRegion_t* region = nullptr;
    const int error = table.register_memory(network, memory.data(), memory.size(), &region);
    expect(error == 0, "register_memory() fails the {}th time, all given back: error {}", round + 1,
           error);
    if (round == 99) table.shut(network);  // regions may be given back after it
    table.unregister_memory(network, region);
  }
  table.close(network);
  return "";
}

// Sends until that fails one way or the other.
void await_failure(Endpoint& own, std::uint64_t peer, const char* whose) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (std::uint32_t i = 0;; ++i) {
    const int error = own.try_send(peer, labelled({9, i}, kMessageBytes));
    own.drive();
    if ((error != 0 && error != EAGAIN) || !own.failures().empty()) break;
    expect(std::chrono::steady_clock::now() < end,
           "messages to an endpoint {} do not fail for {} s", whose, kPatience.count());
    std::this_thread::sleep_for(milliseconds(1));
  }
  // None is forgotten.
  own.await("the end of a message to an endpoint that is gone is not reported",
            [&] { return own.on_way() == 0; });
}

std::string shut_peer(const Plugin& plugin) {
  Endpoint own(plugin);
  own.lend(8);
  auto other = std::make_unique<Endpoint>(plugin);
  other->lend(8);
  exchange(own, *other, 0);
  const std::uint64_t peer = own.add(*other);
  other->shut();
  await_failure(own, peer, "that was shut");
  other.reset();
  Endpoint third(plugin);
  third.lend(8);
  exchange(own, third, 100);
  return "";
}

std::string dead_peer(const Plugin& plugin) {
  Processes other(1, [&plugin](int number, Processes::Page& page) {
    Endpoint endpoint(plugin);
    endpoint.lend(32);
    page.tell(number, endpoint);
    page.meet(2, 1);
    for (;;) {
      endpoint.drive();
      endpoint.lend(endpoint.take_messages().size());
    }
  });
  other.page().meet(2, 1);
  Endpoint own(plugin);
  own.lend(8);
  const std::uint64_t peer = own.add(other.page().address_of(0));
  for (std::uint32_t i = 0; i < 10; ++i) {
    const int error = own.send(peer, labelled({0, i}, kMessageBytes));
    expect(error == 0, "send() to another process fails: error {}", error);
  }
  own.await("sends to another process do not end", [&] { return own.on_way() == 0; });
  other.kill(0);
  await_failure(own, peer, "of a process that was killed");
  Endpoint third(plugin);
  third.lend(8);
  own.add(third);
  return "";
}

std::string shut(const Plugin& plugin) {
  Endpoint own(plugin);
  Endpoint other(plugin);
  own.lend(32);
  const std::uint64_t peer = other.add(own);
  const auto send_some = [&] {
    for (std::uint32_t i = 0; i < 20; ++i) {
      other.try_send(peer, labelled({0, i}, kMessageBytes));
      other.drive();
    }
  };
  send_some();
  own.shut();
  const Bytes before = own.places();
  send_some();
  std::this_thread::sleep_for(milliseconds(50));
  expect(own.places() == before, "a place was written to after shut()");
  return "";
}

// Is the descriptor readable within that time?
bool wakes(const Endpoint& endpoint, milliseconds time) {
  pollfd entry{endpoint.told().wait_descriptor, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
}

// Goes to sleep as Tutti does, after all there is has been read.
void fall_asleep(Endpoint& endpoint) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    endpoint.drive();
    if (endpoint.may_wait() && !wakes(endpoint, milliseconds(20))) return;
    expect(std::chrono::steady_clock::now() < end,
           "with nothing to read, may_wait() is 0 or the descriptor readable for {} s",
           kPatience.count());
  }
}

// Sleeps until there is something; spurious wakes are allowed.
template <typename Condition>
void sleep_until(Endpoint& endpoint, const char* what, Condition holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    endpoint.drive();
    if (holds()) return;
    if (!endpoint.may_wait()) continue;
    const bool woken = wakes(endpoint, milliseconds(2000));
    endpoint.drive();
    expect(woken || !holds(), "the descriptor is not readable, though there is {}", what);
    expect(std::chrono::steady_clock::now() < end, "there is no {} for {} s", what,
           kPatience.count());
  }
}

std::string wakes_up(const Plugin& plugin) {
  if ((plugin.table->capabilities & TUTTI_PLUGIN_SLEEPS) == 0) return "wakes nobody";
  Endpoint own(plugin);
  Endpoint other(plugin);
  own.lend(32);
  const std::uint64_t peer = other.add(own);
  const std::uint64_t there = own.add(other);
  other.lend(32);
  std::size_t came = 0;
  for (std::uint32_t round = 0; round < 5; ++round) {
    fall_asleep(own);
    {
      const std::jthread sender([&] {
        std::this_thread::sleep_for(milliseconds(10));
        other.try_send(peer, labelled({0, round}, kMessageBytes));
        for (int i = 0; i < 100; ++i) {
          other.drive();
          std::this_thread::sleep_for(milliseconds(1));
        }
      });
      sleep_until(own, "a message", [&] { return own.messages() > came; });
    }
    came = own.messages();
    fall_asleep(own);
    // The end of a send by another thread wakes, too.
    const std::jthread sender([&] {
      std::this_thread::sleep_for(milliseconds(10));
      own.try_send(there, labelled({1, round}, kMessageBytes));
    });
    sleep_until(own, "the end of a send", [&] {
      other.drive();
      return own.sent() > round;
    });
  }
  return "";
}

std::string after_fork(const Plugin& plugin) {
  Endpoint own(plugin);
  Endpoint other(plugin);
  own.lend(8);
  other.lend(8);
  exchange(own, other, 0);
  Processes child(1, [&plugin](int, Processes::Page&) {
    Endpoint one(plugin);
    Endpoint two(plugin);
    two.lend(8);
    exchange(one, two, 0);
  });
  child.wait_for_all();
  exchange(own, other, 100);
  return "";
}

constexpr Check kLifeChecks[] = {
    {"endpoint", "what open() says of its endpoint can be", endpoint},
    {"twice", "a process opens several networks, and closes one while it uses others", twice},
    {"frees", "close() gives back descriptors", frees},
    {"regions", "regions are given back, also after shut()", regions},
    {"shut", "after shut() nothing is written any more", shut},
    {"shut_peer", "messages to an endpoint that was shut fail, and others do not", shut_peer},
    {"dead_peer", "messages to a process that was killed fail", dead_peer},
    {"wakes", "the descriptor wakes for messages and ends of sends, and for nothing else",
     wakes_up},
    {"fork", "a forked child opens networks of its own, and its parent's go on", after_fork},
};

}  // namespace

std::span<const Check> life_checks() { return kLifeChecks; }

}  // namespace tutti::plugin_check
