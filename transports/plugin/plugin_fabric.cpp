#include "transports/plugin/plugin_fabric.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"

namespace tutti::plugin {

namespace {

using packets::Capabilities;
using packets::Completion;
using packets::Fabric;
using packets::Operation;
using packets::PeerAddress;
using packets::Region;
using packets::Taken;

static_assert(sizeof(Operation) == sizeof(tuttiPluginOperation_t));
static_assert(alignof(Operation) == alignof(tuttiPluginOperation_t));
static_assert(Fabric::kMostAddressBytes == TUTTI_PLUGIN_MOST_ADDRESS_BYTES);

class PluginRegion final : public Region {
 public:
  // The network outlives it.
  PluginRegion(const tuttiTransportPlugin_t& table, tuttiPluginNetwork_t* network,
               tuttiPluginRegion_t* region)
      : table_(table), network_(network), region_(region) {}
  ~PluginRegion() override { table_.unregister_memory(network_, region_); }
  tuttiPluginRegion_t* get() const noexcept { return region_; }

 private:
  const tuttiTransportPlugin_t& table_;
  tuttiPluginNetwork_t* const network_;
  tuttiPluginRegion_t* const region_;
};

class PluginFabric final : public Fabric {
 public:
  explicit PluginFabric(const Plugin& plugin);
  ~PluginFabric() override;

  const Capabilities& capabilities() const noexcept override { return can_; }
  std::span<const std::byte> address() const noexcept override {
    return std::as_bytes(std::span(endpoint_.address).first(endpoint_.address_bytes));
  }
  PeerAddress add_peer(std::span<const std::byte> address) override;
  std::unique_ptr<Region> register_memory(std::span<std::byte> memory) override;
  Taken send(PeerAddress peer, std::span<const std::byte> message, const Region* local,
             Operation& operation) override {
    return taken(table_.send(network_, peer, message.data(), message.size(), region_of(local),
                             known(operation)));
  }
  Taken receive(std::span<std::byte> place, const Region* local, Operation& operation) override {
    return taken(
        table_.receive(network_, place.data(), place.size(), region_of(local), known(operation)));
  }
  std::size_t read(std::span<Completion> ends) override;
  int wait_descriptor() const noexcept override { return endpoint_.wait_descriptor; }
  bool may_wait() noexcept override { return table_.may_wait(network_) != 0; }
  void shut() noexcept override {
    if (!is_shut_) table_.shut(network_);
    is_shut_ = true;
  }
  std::string describe(int error) const override { return plugin::describe(plugin_, error); }

 private:
  void check_endpoint() const;
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> why, Args&&... args) const {
    fail(tuttiSystemError, "transport plugin {}: {}", table_.name,
         fmt::format(why, std::forward<Args>(args)...));
  }
  static Taken taken(int result) noexcept {
    if (result == 0) return Taken::kYes;
    return result == EAGAIN ? Taken::kLater : Taken::kNever;
  }
  // The plugin's notes are those of Operation, at its beginning.
  static tuttiPluginOperation_t* known(Operation& operation) noexcept {
    return reinterpret_cast<tuttiPluginOperation_t*>(&operation);
  }
  static tuttiPluginRegion_t* region_of(const Region* local) noexcept {
    return local != nullptr ? static_cast<const PluginRegion*>(local)->get() : nullptr;
  }
  static Completion completion_of(const tuttiPluginCompletion_t& end) noexcept;

  const Plugin plugin_;
  const tuttiTransportPlugin_t& table_;
  Capabilities can_;
  tuttiPluginEndpoint_t endpoint_{};
  tuttiPluginNetwork_t* network_ = nullptr;
  bool is_shut_ = false;
};

PluginFabric::PluginFabric(const Plugin& plugin) : plugin_(plugin), table_(*plugin_.table) {
  endpoint_.size = sizeof(endpoint_);
  endpoint_.wait_descriptor = -1;
  const int error = table_.open(&network_, &endpoint_);
  if (error != 0) refuse("it cannot open its network: {}", describe(error));
  try {
    check_endpoint();
  } catch (...) {
    shut();
    table_.close(network_);
    throw;
  }
  can_.transport = table_.name;
  can_.network = std::string("plugin ") + table_.name;
  can_.message_bytes = endpoint_.message_bytes;
  can_.registers_local = (table_.capabilities & TUTTI_PLUGIN_REGISTERS) != 0;
  can_.sleeps = (table_.capabilities & TUTTI_PLUGIN_SLEEPS) != 0;
}

PluginFabric::~PluginFabric() {
  shut();
  table_.close(network_);
}

void PluginFabric::check_endpoint() const {
  if (endpoint_.message_bytes < TUTTI_PLUGIN_LEAST_MESSAGE_BYTES) {
    refuse("its messages have at most {} bytes, and {} are needed", endpoint_.message_bytes,
           TUTTI_PLUGIN_LEAST_MESSAGE_BYTES);
  }
  if (endpoint_.address_bytes == 0 || endpoint_.address_bytes > sizeof(endpoint_.address)) {
    refuse("its address has {} bytes, and should have 1 to {}", endpoint_.address_bytes,
           sizeof(endpoint_.address));
  }
  if ((table_.capabilities & TUTTI_PLUGIN_SLEEPS) != 0 && endpoint_.wait_descriptor < 0) {
    refuse("it has TUTTI_PLUGIN_SLEEPS, and no descriptor to sleep on");
  }
}

PeerAddress PluginFabric::add_peer(std::span<const std::byte> address) {
  PeerAddress peer = 0;
  const int error = table_.add_peer(network_, address.data(), address.size(), &peer);
  if (error != 0) refuse("it does not take a peer's address: {}", describe(error));
  return peer;
}

std::unique_ptr<Region> PluginFabric::register_memory(std::span<std::byte> memory) {
  tuttiPluginRegion_t* region = nullptr;
  const int error = table_.register_memory(network_, memory.data(), memory.size(), &region);
  if (error != 0) refuse("it cannot register {} bytes: {}", memory.size(), describe(error));
  return std::make_unique<PluginRegion>(table_, network_, region);
}

Completion PluginFabric::completion_of(const tuttiPluginCompletion_t& end) noexcept {
  auto* const operation = reinterpret_cast<Operation*>(end.operation);
  switch (end.end) {
    case tuttiPluginSent:
      return {.kind = Completion::Kind::kSent, .operation = operation};
    case tuttiPluginReceived:
      return {.kind = Completion::Kind::kReceived, .operation = operation, .bytes = end.bytes};
    default:
      return {.kind = Completion::Kind::kFailed, .operation = operation, .error = end.error};
  }
}

std::size_t PluginFabric::read(std::span<Completion> ends) {
  constexpr std::size_t kMostEntries = 32;
  std::array<tuttiPluginCompletion_t, kMostEntries> entries;
  const std::size_t most = std::min(ends.size(), entries.size());
  const std::size_t count = std::min(table_.read(network_, entries.data(), most), most);
  std::transform(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count),
                 ends.begin(), completion_of);
  return count;
}

}  // namespace

std::unique_ptr<packets::Fabric> open_fabric(const Plugin& plugin) {
  return std::make_unique<PluginFabric>(plugin);
}

}  // namespace tutti::plugin
