#include "transports/plugin/plugin_library.hpp"

#include <dlfcn.h>
#include <tutti/tutti.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/log.hpp"

namespace tutti::plugin {

namespace {

constexpr const char* kEntry = "tuttiTransportPlugin";
constexpr std::uint32_t kVersion = TUTTI_TRANSPORT_PLUGIN_VERSION;

template <typename... Args>
[[noreturn]] void refuse(const std::string& file, fmt::format_string<Args...> why, Args&&... args) {
  fail(tuttiInvalidArgument, "transport plugin \"{}\": {}", file,
       fmt::format(why, std::forward<Args>(args)...));
}

void log_line(tuttiPluginLogLevel_t level, const char* text) {
  if (level == tuttiPluginWarning) {
    TUTTI_WARN(kNet, "transport plugin: {}", text);
  } else if (level == tuttiPluginInfo) {
    TUTTI_INFO(kNet, "transport plugin: {}", text);
  } else {
    TUTTI_TRACE(kNet, "transport plugin: {}", text);
  }
}

constexpr tuttiPluginHost_t kHost = {.size = sizeof(tuttiPluginHost_t),
                                     .version = kVersion,
                                     .library_version = TUTTI_VERSION_CODE,
                                     .log = log_line};

void check_version(const std::string& file, const tuttiTransportPlugin_t& table) {
  const auto least = table.min_host_version;
  const auto most = table.max_host_version;
  if (least > most || kVersion < least || kVersion > most) {
    refuse(file, "it works with hosts of interface version {} to {}, and this one has version {}",
           least, most, kVersion);
  }
  if (table.size < sizeof(tuttiTransportPlugin_t)) {
    refuse(file, "its table has {} bytes, and that of interface version {} has {}", table.size,
           kVersion, sizeof(tuttiTransportPlugin_t));
  }
}

void check_name(const std::string& file, const char* name) {
  constexpr std::size_t kMostLetters = 31;
  const std::size_t letters = name != nullptr ? ::strnlen(name, kMostLetters + 1) : 0;
  const bool is_word =
      name != nullptr && std::strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == letters;
  if (!is_word || letters == 0 || letters > kMostLetters) {
    refuse(file, "its name is no word of 1 to {} of a-z, 0-9, _ and -", kMostLetters);
  }
}

void check_functions(const std::string& file, const tuttiTransportPlugin_t& table) {
  const auto need = [&](const char* name, bool is_there) {
    if (!is_there) refuse(file, "its table has no function {}", name);
  };
  need("open", table.open != nullptr);
  need("close", table.close != nullptr);
  need("add_peer", table.add_peer != nullptr);
  need("send", table.send != nullptr);
  need("receive", table.receive != nullptr);
  need("read", table.read != nullptr);
  need("shut", table.shut != nullptr);
  if ((table.capabilities & TUTTI_PLUGIN_REGISTERS) != 0) {
    need("register_memory, which TUTTI_PLUGIN_REGISTERS asks for",
         table.register_memory != nullptr);
    need("unregister_memory, which TUTTI_PLUGIN_REGISTERS asks for",
         table.unregister_memory != nullptr);
  }
  if ((table.capabilities & TUTTI_PLUGIN_SLEEPS) != 0) {
    need("may_wait, which TUTTI_PLUGIN_SLEEPS asks for", table.may_wait != nullptr);
  }
}

void check_capabilities(const std::string& file, std::uint64_t capabilities) {
  constexpr std::uint64_t kKnown = TUTTI_PLUGIN_SLEEPS | TUTTI_PLUGIN_REGISTERS;
  if ((capabilities & ~kKnown) != 0) {
    refuse(file, "it sets capability bits {:#x}, which interface version {} does not have",
           capabilities & ~kKnown, kVersion);
  }
}

const tuttiTransportPlugin_t* load_table(const std::string& file) {
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(file, "it cannot be loaded: {}", ::dlerror());
  const auto entry = reinterpret_cast<decltype(&::tuttiTransportPlugin)>(::dlsym(library, kEntry));
  if (entry == nullptr) {
    ::dlclose(library);
    refuse(file, "it has no function {}: it is no plugin", kEntry);
  }
  const tuttiTransportPlugin_t* const table = entry(&kHost);
  if (table == nullptr) refuse(file, "it says that it cannot be used here");
  check_version(file, *table);
  check_name(file, table->name);
  check_capabilities(file, table->capabilities);
  check_functions(file, *table);
  TUTTI_INFO(kNet, "transport plugin \"{}\" is {}", file, table->name);
  return table;
}

}  // namespace

const Plugin& load_plugin(const std::string& file) {
  static std::mutex mutex;
  static std::map<std::string, Plugin> all;
  const std::lock_guard lock(mutex);
  auto found = all.find(file);
  if (found == all.end()) found = all.emplace(file, Plugin{file, load_table(file)}).first;
  return found->second;
}

std::string describe(const Plugin& plugin, int error) {
  const auto text = plugin.table->describe_error;
  const char* const known = text != nullptr ? text(error) : nullptr;
  return known != nullptr ? known : std::strerror(error);
}

}  // namespace tutti::plugin
