#include "transports/shm/shared_mappings.hpp"

namespace tutti::shm {

SharedMappings& SharedMappings::of_this_process() {
  static SharedMappings mappings;
  return mappings;
}

std::shared_ptr<Mapping> SharedMappings::map(const SharedFileHandle& file, const char* what) {
  const std::lock_guard lock(mutex_);
  std::erase_if(mappings_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = mappings_[{file.device, file.inode}];
  if (auto mapping = known.lock()) return mapping;
  const Descriptor descriptor = open_shared(file);
  auto mapping = std::make_shared<Mapping>(
      Mapping::shared(descriptor.get(), 0, file.bytes, {.reserve_only = true}, what));
  known = mapping;
  return mapping;
}

}  // namespace tutti::shm
