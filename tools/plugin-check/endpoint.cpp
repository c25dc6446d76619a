#include "endpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

namespace tutti::plugin_check {

namespace {

constexpr std::byte kGuard{0xA5};

}  // namespace

Endpoint::Endpoint(const Plugin& plugin, const Options& options)
    : table_(*plugin.table), options_(options) {
  told_.size = sizeof(told_);
  told_.wait_descriptor = -1;
  const int error = table_.open(&network_, &told_);
  expect(error == 0, "open() fails: {}", plugin::describe(plugin, error));
  expect(network_ != nullptr, "open() has made no network");
  const std::size_t stride = options_.message_bytes + kGuardBytes;
  const std::size_t count = options_.senders + options_.places;
  memory_.assign(stride * count, kGuard);
  if ((table_.capabilities & TUTTI_PLUGIN_REGISTERS) != 0) {
    const int refused = table_.register_memory(network_, memory_.data(), memory_.size(), &region_);
    expect(refused == 0, "register_memory() of {} bytes fails: {}", memory_.size(),
           plugin::describe(plugin, refused));
  }
  for (std::size_t i = 0; i < count; ++i) {
    transfers_.emplace_back().memory =
        std::span(memory_).subspan(i * stride, options_.message_bytes);
  }
}

Endpoint::~Endpoint() {
  shut();
  if (region_ != nullptr) table_.unregister_memory(network_, region_);
  table_.close(network_);
}

void Endpoint::shut() {
  if (!is_shut_) table_.shut(network_);
  is_shut_ = true;
}

std::uint64_t Endpoint::add(std::span<const unsigned char> address) {
  std::uint64_t peer = 0;
  const int error = table_.add_peer(network_, address.data(), address.size(), &peer);
  expect(error == 0, "add_peer() does not take an endpoint's address: error {}", error);
  return peer;
}

// Senders leave the transfers to receivers that are theirs.
Endpoint::Transfer* Endpoint::free_transfer(Use use) {
  const std::lock_guard lock(mutex_);
  const auto is_it = [&](const Transfer& transfer) { return transfer.use == use; };
  const auto limit = use == Use::kSends ? options_.senders : options_.places;
  if (static_cast<std::size_t>(std::ranges::count_if(transfers_, is_it)) >= limit) return nullptr;
  for (Transfer& transfer : transfers_) {
    if (transfer.use != Use::kFree) continue;
    transfer.use = use;
    return &transfer;
  }
  return nullptr;
}

int Endpoint::try_send(std::uint64_t peer, std::span<const std::byte> message) {
  Transfer* const transfer = free_transfer(Use::kSends);
  if (transfer == nullptr) return EAGAIN;
  std::ranges::copy(message, transfer->memory.begin());
  const int error =
      table_.send(network_, peer, transfer->memory.data(), message.size(), region_, transfer);
  if (error != 0) {
    const std::lock_guard lock(mutex_);
    transfer->use = Use::kFree;
  }
  return error;
}

int Endpoint::send(std::uint64_t peer, std::span<const std::byte> message) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const int error = try_send(peer, message);
    if (error != EAGAIN) return error;
    expect(std::chrono::steady_clock::now() < end, "send() says EAGAIN for {} s",
           kPatience.count());
    drive();
    std::this_thread::yield();
  }
}

void Endpoint::lend(std::size_t places) {
  for (std::size_t i = 0; i < places; ++i) {
    Transfer* const transfer = free_transfer(Use::kReceives);
    if (transfer == nullptr) return;
    const int error = table_.receive(network_, transfer->memory.data(), transfer->memory.size(),
                                     region_, transfer);
    if (error == 0) continue;
    const std::lock_guard lock(mutex_);
    transfer->use = Use::kFree;
    expect(error == EAGAIN, "receive() fails: error {}", error);
    return;
  }
}

void Endpoint::drive() {
  const std::unique_lock reader(reading_, std::try_to_lock);
  if (!reader) return;
  constexpr std::size_t kMost = 16;
  tuttiPluginCompletion_t ends[kMost] = {};
  const std::size_t count = table_.read(network_, ends, kMost);
  expect(count <= kMost, "read() reports {} ends, and may report {}", count, kMost);
  const std::lock_guard lock(mutex_);
  for (const tuttiPluginCompletion_t& end : std::span(ends).first(count)) on_end(end);
}

void Endpoint::on_end(const tuttiPluginCompletion_t& end) {
  if (end.operation == nullptr) {
    expect(end.end == tuttiPluginFailed, "read() reports an end of no operation");
    return failures_.push_back(end.error);
  }
  const auto found = std::ranges::find_if(
      transfers_, [&](const Transfer& transfer) { return &transfer == end.operation; });
  expect(found != transfers_.end(), "read() reports an operation that was never begun");
  const Use use = std::exchange(found->use, Use::kFree);
  expect(use != Use::kFree, "read() reports the end of an operation again");
  check_guard(*found);
  switch (end.end) {
    case tuttiPluginSent:
      expect(use == Use::kSends, "read() reports a place as sent");
      ++sent_;
      return;
    case tuttiPluginReceived:
      expect(use == Use::kReceives, "read() reports a message that is sent as received");
      expect(end.bytes <= found->memory.size(), "a message of {} bytes in a place of {}", end.bytes,
             found->memory.size());
      messages_.emplace_back(found->memory.begin(),
                             found->memory.begin() + static_cast<std::ptrdiff_t>(end.bytes));
      return;
    case tuttiPluginFailed:
      expect(end.error != 0, "read() reports a failure with error 0");
      return failures_.push_back(end.error);
  }
  failed("read() reports an end of kind {}", static_cast<int>(end.end));
}

void Endpoint::check_guard(const Transfer& transfer) const {
  const std::span guard(transfer.memory.data() + transfer.memory.size(), kGuardBytes);
  expect(std::ranges::all_of(guard, [](std::byte byte) { return byte == kGuard; }),
         "something was written behind a place of {} bytes", transfer.memory.size());
}

std::size_t Endpoint::on_way() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      transfers_, [](const Transfer& transfer) { return transfer.use == Use::kSends; }));
}

std::size_t Endpoint::sent() {
  const std::lock_guard lock(mutex_);
  return sent_;
}

std::vector<Bytes> Endpoint::take_messages() {
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

std::size_t Endpoint::messages() {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

std::vector<int> Endpoint::failures() {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace tutti::plugin_check
