#include "topology/host_identity.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string_view>

#include "base/environment.hpp"
#include "base/log_environment.hpp"

namespace tutti {
namespace {

// FNV-1a, twice with different seeds, mixed at the end so that all bits depend on all of the text.
std::uint64_t digest(std::string_view text, std::uint64_t seed) {
  std::uint64_t state = 0xcbf29ce484222325u ^ seed;
  for (const char letter : text) {
    state ^= static_cast<unsigned char>(letter);
    state *= 0x100000001b3u;
  }
  state ^= state >> 31;
  state *= 0x9e3779b97f4a7c15u;
  return state ^ (state >> 29);
}

// Without a boot id (some sandboxes hide it) the host's name has to do.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (file >> id) return id;
  return host_name();
}

// "pid:[4026531836]": names the namespace for as long as somebody lives in it.
std::string name_space(const char* kind) {
  char text[64] = {};
  const std::string path = fmt::format("/proc/self/ns/{}", kind);
  const ssize_t length = readlink(path.c_str(), text, sizeof(text));
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : kind;
}

}  // namespace

HostIdentity host_identity() {
  std::string text;
  if (const auto chosen = env_string("TUTTI_HOST_ID"))
    text = "chosen " + *chosen;
  else
    text = fmt::format("{} {} {} {}", boot_id(), name_space("pid"), name_space("net"),
                       name_space("ipc"));
  return {.high = digest(text, 0), .low = digest(text, 0x7475747469u)};
}

std::string to_string(const HostIdentity& identity) {
  return fmt::format("{:016x}{:016x}", identity.high, identity.low);
}

}  // namespace tutti
