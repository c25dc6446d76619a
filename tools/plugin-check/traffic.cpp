#include "traffic.hpp"

#include <algorithm>
#include <cstring>
#include <thread>

namespace tutti::plugin_check {

namespace {

std::byte pattern(const Label& label, std::size_t i) {
  return static_cast<std::byte>(label.sender * 89 + label.number * 31 + i * 7 + (i >> 8) * 3);
}

}  // namespace

Bytes labelled(const Label& label, std::size_t most) {
  const std::size_t spare = most - sizeof(label);
  Bytes message(sizeof(label) + (label.number * 2654435761U) % (spare + 1));
  std::memcpy(message.data(), &label, sizeof(label));
  for (std::size_t i = sizeof(label); i < message.size(); ++i) message[i] = pattern(label, i);
  return message;
}

void Arrivals::take_from(Endpoint& endpoint) {
  const std::vector<Bytes> messages = endpoint.take_messages();
  for (const Bytes& message : messages) {
    Label label;
    expect(message.size() >= sizeof(label), "a message of {} bytes came, which nobody sent",
           message.size());
    std::memcpy(&label, message.data(), sizeof(label));
    const Bytes sent = labelled(label, most_);
    expect(message.size() == sent.size(), "message {} came with {} bytes, and was sent with {}",
           label.number, message.size(), sent.size());
    const auto [wrong, right] = std::ranges::mismatch(message, sent);
    expect(wrong == message.end(), "message {} of {} bytes came with another byte {}", label.number,
           message.size(), wrong - message.begin());
    expect(seen_.insert(label).second, "message {} came twice", label.number);
  }
  endpoint.lend(messages.size());
}

void await_all(Endpoint& sender, Endpoint& receiver, Arrivals& arrivals, std::size_t count) {
  const std::size_t before = sender.failures().size();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (arrivals.count() < count || sender.on_way() > 0) {
    const std::size_t had = arrivals.count();
    sender.drive();
    receiver.drive();
    arrivals.take_from(receiver);
    if (arrivals.count() == had) std::this_thread::yield();
    const std::vector<int> failures = sender.failures();
    expect(failures.size() == before, "sending failed: error {}",
           failures.empty() ? 0 : failures.back());
    expect(std::chrono::steady_clock::now() < end,
           "{} of {} messages have come, and {} ends of sends are missing, after {} s",
           arrivals.count(), count, sender.on_way(), kPatience.count());
  }
}

}  // namespace tutti::plugin_check
