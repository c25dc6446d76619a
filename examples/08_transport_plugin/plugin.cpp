// The table that Tutti asks for. Each function calls the network, and lets nothing be thrown past
// itself.
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "network.hpp"

namespace {

const tuttiPluginHost_t* host = nullptr;  // set once, before anything else is called

// The errno for what `call` throws; otherwise what it returns.
template <typename Call>
int guarded(const Call& call) noexcept {
  try {
    return call();
  } catch (const std::system_error& error) {
    host->log(tuttiPluginWarning, error.what());
    return error.code().value();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (...) {
    return EINVAL;  // a peer that was never added, say
  }
}

// A Unix socket takes about as much as its buffer holds in one message, and that is 200 KiB by
// default. More than this brings nothing.
constexpr std::size_t kMessageBytes = std::size_t{64} << 10;

int open_network(tuttiPluginNetwork_t** network, tuttiPluginEndpoint_t* endpoint) {
  return guarded([&] {
    auto made = std::make_unique<tuttiPluginNetwork>();
    endpoint->message_bytes = kMessageBytes;
    endpoint->wait_descriptor = made->wait_descriptor();
    endpoint->address_bytes = made->name().size();
    std::memcpy(endpoint->address, made->name().data(), made->name().size());
    *network = made.release();
    return 0;
  });
}

void close_network(tuttiPluginNetwork_t* network) { delete network; }

int add_peer(tuttiPluginNetwork_t* network, const void* address, std::size_t bytes,
             std::uint64_t* peer) {
  return guarded([&] {
    constexpr std::size_t kMostNameBytes = 107;  // in a sockaddr_un, behind a zero
    if (bytes == 0 || bytes > kMostNameBytes) return EINVAL;
    *peer = network->add_peer({static_cast<const char*>(address), bytes});
    return 0;
  });
}

int send_message(tuttiPluginNetwork_t* network, std::uint64_t peer, const void* message,
                 std::size_t bytes, tuttiPluginRegion_t*, tuttiPluginOperation_t* operation) {
  return guarded([&] { return network->send(peer, message, bytes, operation); });
}

int lend_place(tuttiPluginNetwork_t* network, void* place, std::size_t bytes, tuttiPluginRegion_t*,
               tuttiPluginOperation_t* operation) {
  return guarded([&] {
    network->receive(place, bytes, operation);
    return 0;
  });
}

std::size_t read_ends(tuttiPluginNetwork_t* network, tuttiPluginCompletion_t* ends,
                      std::size_t most) {
  std::size_t count = 0;
  guarded([&] {
    count = network->read(ends, most);
    return 0;
  });
  return count;
}

int may_wait(tuttiPluginNetwork_t* network) { return network->may_wait() ? 1 : 0; }

void shut(tuttiPluginNetwork_t* network) { network->shut(); }

constexpr tuttiTransportPlugin_t kTable = {.size = sizeof(tuttiTransportPlugin_t),
                                           .min_host_version = TUTTI_TRANSPORT_PLUGIN_VERSION,
                                           .max_host_version = TUTTI_TRANSPORT_PLUGIN_VERSION,
                                           .name = "unix",
                                           .capabilities = TUTTI_PLUGIN_SLEEPS,
                                           .open = open_network,
                                           .close = close_network,
                                           .add_peer = add_peer,
                                           .register_memory = nullptr,
                                           .unregister_memory = nullptr,
                                           .send = send_message,
                                           .receive = lend_place,
                                           .read = read_ends,
                                           .may_wait = may_wait,
                                           .shut = shut,
                                           .describe_error = nullptr};

}  // namespace

const tuttiTransportPlugin_t* tuttiTransportPlugin(const tuttiPluginHost_t* given) {
  host = given;
  return &kTable;
}
