// What is sent arrives: whole, unchanged, once, however much is on its way and whoever sends it.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <thread>

#include "check.hpp"
#include "endpoint.hpp"
#include "processes.hpp"
#include "traffic.hpp"

namespace tutti::plugin_check {

namespace {

// What Tutti sends at most in one message.
constexpr std::size_t kMostUsed = std::size_t{16} << 10;

std::size_t used_bytes(const Endpoint& endpoint, std::size_t most) {
  return std::min(endpoint.told().message_bytes, most);
}

std::size_t least_bytes(const Plugin& plugin, std::size_t most) {
  const Endpoint endpoint(plugin);
  return used_bytes(endpoint, most);
}

void send_whole(Endpoint& from, Endpoint& to, std::uint64_t peer, std::size_t bytes) {
  Bytes message(bytes);
  for (std::size_t i = 0; i < bytes; ++i) message[i] = static_cast<std::byte>(i * 13 + bytes);
  const int error = from.send(peer, message);
  expect(error == 0, "send() of {} bytes fails: error {}", bytes, error);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (to.messages() == 0 || from.on_way() > 0) {
    from.drive();
    to.drive();
    expect(from.failures().empty() && to.failures().empty(), "a message of {} bytes fails", bytes);
    expect(std::chrono::steady_clock::now() < end, "a message of {} bytes does not come for {} s",
           bytes, kPatience.count());
  }
  const std::vector<Bytes> came = to.take_messages();
  expect(came.size() == 1, "one message of {} bytes came {} times", bytes, came.size());
  expect(came.front().size() == bytes, "a message of {} bytes came with {}", bytes,
         came.front().size());
  expect(came.front() == message, "a message of {} bytes came with others", bytes);
  to.lend(1);
}

std::string sizes(const Plugin& plugin) {
  // More than Tutti uses, but not all of what some networks take.
  const std::size_t most = least_bytes(plugin, std::size_t{1} << 20);
  const Endpoint::Options options{.message_bytes = most, .senders = 2, .places = 2};
  Endpoint from(plugin, options);
  Endpoint to(plugin, options);
  const std::uint64_t peer = from.add(to);
  to.lend(2);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{24},
                                  std::size_t{255}, most / 2 + 1, most - 1, most}) {
    send_whole(from, to, peer, bytes);
  }
  return fmt::format("up to {} bytes", most);
}

std::string to_itself(const Plugin& plugin) {
  Endpoint self(plugin);
  const std::uint64_t peer = self.add(self);
  self.lend(2);
  for (const std::size_t bytes : {100, 1, 250, 0}) send_whole(self, self, peer, bytes);
  return "";
}

// Nobody reads there, until the network takes no more or has taken all.
std::string back_pressure(const Plugin& plugin) {
  constexpr std::uint32_t kCount = 3000;
  const std::size_t most = least_bytes(plugin, kMostUsed);
  Endpoint from(plugin, {.message_bytes = most, .senders = 128});
  Endpoint to(plugin, {.message_bytes = most, .senders = 1, .places = 64});
  const std::uint64_t peer = from.add(to);
  to.lend(64);
  std::uint32_t sent = 0;
  const auto try_next = [&] {
    const int error = from.try_send(peer, labelled({0, sent}, most));
    expect(error == 0 || error == EAGAIN, "send() fails while the receiver does not read: error {}",
           error);
    if (error == 0) ++sent;
    return error == 0;
  };
  auto is_full = [&, quiet = 0]() mutable {
    from.drive();
    quiet = try_next() ? 0 : quiet + 1;
    return quiet > 200;
  };
  while (sent < kCount && !is_full()) {
  }
  const std::uint32_t until_full = sent;
  Arrivals arrivals(most);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (sent < kCount) {
    from.drive();
    to.drive();
    arrivals.take_from(to);
    try_next();
    expect(std::chrono::steady_clock::now() < end,
           "once full, the network takes {} messages in {} s though the receiver reads",
           sent - until_full, kPatience.count());
  }
  await_all(from, to, arrivals, kCount);
  return until_full < kCount
             ? fmt::format("EAGAIN after {} messages of up to {} bytes", until_full, most)
             : "";
}

// Both send as much as they can, and neither waits for the other.
std::string both_ways(const Plugin& plugin) {
  constexpr std::uint32_t kCount = 2000;
  const std::size_t most = least_bytes(plugin, kMostUsed);
  const Endpoint::Options options{.message_bytes = most};
  Endpoint ends[] = {Endpoint(plugin, options), Endpoint(plugin, options)};
  const std::uint64_t peers[] = {ends[0].add(ends[1]), ends[1].add(ends[0])};
  Arrivals arrivals[] = {Arrivals(most), Arrivals(most)};
  std::array<std::uint32_t, 2> sent{};
  for (Endpoint& end : ends) end.lend(32);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (sent[0] < kCount || sent[1] < kCount) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto label = Label{static_cast<std::uint32_t>(i), sent[i]};
      if (sent[i] < kCount && ends[i].try_send(peers[i], labelled(label, most)) == 0) ++sent[i];
      ends[i].drive();
      arrivals[i].take_from(ends[i]);
    }
    expect(std::chrono::steady_clock::now() < end, "two that send to each other stop each other");
  }
  for (std::size_t i = 0; i < 2; ++i) await_all(ends[i], ends[1 - i], arrivals[1 - i], kCount);
  return "";
}

// Runs all on threads; the first failure of any is this one's.
void on_threads(std::span<const std::function<void()>> bodies) {
  std::mutex mutex;
  std::exception_ptr first;
  {
    std::vector<std::jthread> threads;
    for (const auto& body : bodies) {
      threads.emplace_back([&] {
        try {
          body();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!first) first = std::current_exception();
        }
      });
    }
  }
  if (first) std::rethrow_exception(first);
}

std::string threads(const Plugin& plugin) {
  constexpr std::uint32_t kSenders = 4;
  constexpr std::uint32_t kCount = 700;
  Endpoint from(plugin);
  Endpoint to(plugin);
  const std::uint64_t peer = from.add(to);
  to.lend(32);
  Arrivals arrivals(kMessageBytes);
  std::vector<std::function<void()>> bodies;
  for (std::uint32_t sender = 0; sender < kSenders; ++sender) {
    bodies.push_back([&, sender] {
      for (std::uint32_t i = 0; i < kCount; ++i) {
        // Peers are made known by any thread, too.
        const std::uint64_t there = i % 100 == 0 ? from.add(to) : peer;
        const int error = from.send(there, labelled({sender, i}, kMessageBytes));
        expect(error == 0, "send() by one of several threads fails: error {}", error);
      }
    });
  }
  bodies.push_back([&] {
    const auto end = std::chrono::steady_clock::now() + 2 * kPatience;
    while (arrivals.count() < kSenders * kCount) {
      to.drive();
      arrivals.take_from(to);
      expect(std::chrono::steady_clock::now() < end, "{} of {} messages of several threads came",
             arrivals.count(), kSenders * kCount);
    }
  });
  on_threads(bodies);
  await_all(from, to, arrivals, kSenders * kCount);
  return "";
}

std::string late_place(const Plugin& plugin) {
  constexpr std::uint32_t kCount = 20;
  Endpoint from(plugin);
  Endpoint to(plugin);
  const std::uint64_t peer = from.add(to);
  std::uint32_t sent = 0;
  const auto send_some = [&] {
    while (sent < kCount) {
      const int error = from.try_send(peer, labelled({0, sent}, kMessageBytes));
      expect(error == 0 || error == EAGAIN, "send() fails while no place is lent: error {}", error);
      if (error != 0) return;
      ++sent;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(50)) {
    send_some();
    from.drive();
    to.drive();
    expect(to.messages() == 0, "a message came though no place was lent");
  }
  expect(from.failures().empty(), "a message that has to wait for a place fails");
  to.lend(32);
  Arrivals arrivals(kMessageBytes);
  while (sent < kCount) {
    send_some();
    from.drive();
    to.drive();
    arrivals.take_from(to);
    expect(std::chrono::steady_clock::now() - begin < kPatience, "after the places came, {}",
           "send() still says EAGAIN");
  }
  await_all(from, to, arrivals, kCount);
  return "";
}

std::string long_message(const Plugin& plugin) {
  Endpoint from(plugin);
  Endpoint to(plugin, {.message_bytes = 100, .senders = 1, .places = 2});
  const std::uint64_t peer = from.add(to);
  to.lend(2);
  const int error = from.send(peer, Bytes(200));
  expect(error == 0, "send() fails: error {}", error);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (to.failures().empty()) {
    from.drive();
    to.drive();
    expect(to.messages() == 0, "a message of 200 bytes was received in a place of 100");
    expect(std::chrono::steady_clock::now() < end, "a place that is too short is never reported");
  }
  expect(to.failures().front() == EMSGSIZE, "a place that is too short fails with error {}, and {}",
         to.failures().front(), "should with EMSGSIZE");
  Endpoint other(plugin);
  const std::uint64_t again = other.add(to);
  expect(other.send(again, Bytes(50)) == 0, "send() fails after a message that was too long");
  to.await("after a message that was too long none comes", [&] {
    other.drive();
    return to.messages() > 0;
  });
  return "";
}

// Who cannot send takes what comes: the others may wait for that.
void send_and_take(Endpoint& own, std::uint64_t peer, const Bytes& message, Arrivals& arrivals) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  int error = 0;
  while ((error = own.try_send(peer, message)) == EAGAIN) {
    own.drive();
    arrivals.take_from(own);
    expect(std::chrono::steady_clock::now() < end,
           "send() to another process says EAGAIN for {} s, though all read", kPatience.count());
  }
  expect(error == 0, "send() to another process fails: error {}", error);
}

// Every process sends to all.
std::string processes(const Plugin& plugin) {
  constexpr int kProcesses = 4;
  constexpr std::uint32_t kCount = 300;
  Processes all(kProcesses, [&plugin](int number, Processes::Page& page) {
    Endpoint own(plugin);
    own.lend(32);
    page.tell(number, own);
    page.meet(kProcesses, 1);
    std::vector<std::uint64_t> peers;
    for (int peer = 0; peer < kProcesses; ++peer) peers.push_back(own.add(page.address_of(peer)));
    Arrivals arrivals(kMessageBytes);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      for (const std::uint64_t peer : peers) {
        const Label label{static_cast<std::uint32_t>(number), i * kProcesses};
        send_and_take(own, peer, labelled(label, kMessageBytes), arrivals);
      }
    }
    await_all(own, own, arrivals, kCount * kProcesses);
    // Others may not have been able to send to this one yet.
    page.meet(kProcesses, 2);
  });
  all.wait_for_all();
  return "";
}

constexpr Check kMessageChecks[] = {
    {"sizes", "messages of 0, 1, .. and the most bytes arrive whole", sizes},
    {"itself", "an endpoint sends to itself", to_itself},
    {"back_pressure", "when the receiver does not read, EAGAIN; when it does, all arrive once",
     back_pressure},
    {"both_ways", "two endpoints that send to each other do not stop each other", both_ways},
    {"threads", "several threads send by one endpoint while another one reads", threads},
    {"late_place", "a message waits for a place that is lent late", late_place},
    {"long_message", "a message that is too long for its place fails, and writes nothing behind it",
     long_message},
    {"processes", "four processes send to each other and to themselves", processes},
};

}  // namespace

std::span<const Check> message_checks() { return kMessageChecks; }

}  // namespace tutti::plugin_check
