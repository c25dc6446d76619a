#include "transports/ub/processes/world_address.hpp"

#include <cinttypes>
#include <cstdio>

#include "base/error.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::ub {

std::string encode_world(const WorldAddress& address) {
  const SharedFileHandle& file = address.file;
  return fmt::format("{}:{}:{}:{}:{}:{}", address.rank, file.pid, file.fd, file.inode, file.device,
                     file.bytes);
}

WorldAddress decode_world(const std::string& text) {
  WorldAddress address;
  SharedFileHandle& file = address.file;
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "%d:%" SCNd32 ":%" SCNd32 ":%" SCNu64 ":%" SCNu64 ":%" SCNu64 "%n",
                  &address.rank, &file.pid, &file.fd, &file.inode, &file.device, &file.bytes, &end);
  if (read != 6 || end != static_cast<int>(text.size())) {
    fail(tuttiInvalidUsage, "{}='{}': expected what tutti-run --fabric sets", wire::kWorldVariable,
         text);
  }
  return address;
}

}  // namespace tutti::ub
