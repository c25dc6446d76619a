// The example's plugin with a fault, one a build - or, DEMANDING, without any, but with demands
// that the example does not have.
#include <tutti/transport_plugin.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

// The entry of examples/08_transport_plugin, which goes by another name here.
extern "C" const tuttiTransportPlugin_t* unix_plugin_table(const tuttiPluginHost_t* host);

namespace {

[[maybe_unused]] constexpr unsigned kOneOf = 50;

const tuttiTransportPlugin_t* inner = nullptr;

// A place, as receive() was told: kept in the operation, which the example leaves alone.
[[maybe_unused]] int note_place(tuttiPluginNetwork_t* network, void* place, std::size_t bytes,
                                tuttiPluginRegion_t* region, tuttiPluginOperation_t* operation) {
  operation->reserved[0] = place;
  operation->reserved[1] = reinterpret_cast<void*>(bytes);
  return inner->receive(network, place, bytes, region, operation);
}

[[maybe_unused]] bool is_its_turn() {
  static std::atomic<unsigned> count{0};
  return count.fetch_add(1, std::memory_order_relaxed) % kOneOf == kOneOf - 1;
}

#if defined(CORRUPTS)
std::size_t read_ends(tuttiPluginNetwork_t* network, tuttiPluginCompletion_t* ends,
                      std::size_t most) {
  const std::size_t count = inner->read(network, ends, most);
  for (std::size_t i = 0; i < count; ++i) {
    if (ends[i].end != tuttiPluginReceived || ends[i].bytes == 0 || !is_its_turn()) continue;
    static_cast<unsigned char*>(ends[i].operation->reserved[0])[ends[i].bytes - 1] ^= 1;
  }
  return count;
}
#elif defined(LOSES)
// What has come is forgotten, and the place lent again.
std::size_t read_ends(tuttiPluginNetwork_t* network, tuttiPluginCompletion_t* ends,
                      std::size_t most) {
  const std::size_t count = inner->read(network, ends, most);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (ends[i].end == tuttiPluginReceived && is_its_turn()) {
      tuttiPluginOperation_t* const operation = ends[i].operation;
      inner->receive(network, operation->reserved[0],
                     reinterpret_cast<std::size_t>(operation->reserved[1]), nullptr, operation);
      continue;
    }
    ends[kept++] = ends[i];
  }
  return kept;
}
#elif defined(CRASHES)
std::size_t read_ends(tuttiPluginNetwork_t* network, tuttiPluginCompletion_t* ends,
                      std::size_t most) {
  const std::size_t count = inner->read(network, ends, most);
  if (count > 0 && is_its_turn()) std::abort();
  return count;
}
#elif defined(REPEATS)
int send_twice(tuttiPluginNetwork_t* network, std::uint64_t peer, const void* message,
               std::size_t bytes, tuttiPluginRegion_t* region, tuttiPluginOperation_t* operation) {
  const int error = inner->send(network, peer, message, bytes, region, operation);
  if (error == 0 && is_its_turn()) {
    inner->send(network, peer, message, bytes, region, operation);
  }
  return error;
}
#elif defined(DEMANDING)
}  // namespace

// So that it can be told whether memory is in it.
struct tuttiPluginRegion {
  const char* begin;
  std::size_t bytes;
};

namespace {

bool holds(const tuttiPluginRegion_t* region, const void* memory, std::size_t bytes) {
  const auto* const begin = static_cast<const char*>(memory);
  return region != nullptr && begin >= region->begin &&
         begin + bytes <= region->begin + region->bytes;
}

int open_short(tuttiPluginNetwork_t** network, tuttiPluginEndpoint_t* endpoint) {
  const int error = inner->open(network, endpoint);
  endpoint->message_bytes = 300;
  endpoint->wait_descriptor = -1;
  return error;
}

int register_memory(tuttiPluginNetwork_t*, void* memory, std::size_t bytes,
                    tuttiPluginRegion_t** region) {
  *region = new tuttiPluginRegion_t{static_cast<const char*>(memory), bytes};
  return 0;
}

void unregister_memory(tuttiPluginNetwork_t*, tuttiPluginRegion_t* region) { delete region; }

int send_registered(tuttiPluginNetwork_t* network, std::uint64_t peer, const void* message,
                    std::size_t bytes, tuttiPluginRegion_t* region,
                    tuttiPluginOperation_t* operation) {
  if (!holds(region, message, bytes) || bytes > 300) return EFAULT;
  // Full now and then, for no reason.
  if (is_its_turn()) return EAGAIN;
  return inner->send(network, peer, message, bytes, nullptr, operation);
}

int receive_registered(tuttiPluginNetwork_t* network, void* place, std::size_t bytes,
                       tuttiPluginRegion_t* region, tuttiPluginOperation_t* operation) {
  if (!holds(region, place, bytes)) return EFAULT;
  return inner->receive(network, place, bytes, nullptr, operation);
}
#endif

[[maybe_unused]] tuttiTransportPlugin_t changed_table() {
  tuttiTransportPlugin_t table = *inner;
#if defined(CORRUPTS) || defined(LOSES)
  table.receive = note_place;
  table.read = read_ends;
#elif defined(CRASHES)
  table.read = read_ends;
#elif defined(REPEATS)
  table.send = send_twice;
#elif defined(NEVER_WAKES)
  table.may_wait = [](tuttiPluginNetwork_t*) { return 1; };
#elif defined(FORGETS)
  table.send = nullptr;
#elif defined(UNKNOWN_BITS)
  table.capabilities |= 1U << 20;
#elif defined(WRONG_VERSION)
  table.min_host_version = 7;
  table.max_host_version = 9;
#elif defined(DEMANDING)
  table.name = "demanding";
  table.capabilities = TUTTI_PLUGIN_REGISTERS;
  table.open = open_short;
  table.register_memory = register_memory;
  table.unregister_memory = unregister_memory;
  table.send = send_registered;
  table.receive = receive_registered;
  table.may_wait = nullptr;
#endif
  return table;
}

}  // namespace

const tuttiTransportPlugin_t* tuttiTransportPlugin(const tuttiPluginHost_t* host) {
  inner = unix_plugin_table(host);
#ifdef NO_TABLE
  return nullptr;
#else
  static const tuttiTransportPlugin_t table = changed_table();
  return &table;
#endif
}
