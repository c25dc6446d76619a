#include "transports/shm/shared_mappings.hpp"

namespace tutti::shm {

SharedMappings& SharedMappings::of_this_process() {
  static SharedMappings mappings;
  return mappings;
}

template <typename Make>
std::shared_ptr<Mapping> SharedMappings::find(Known& known, const SharedFileHandle& file,
                                              const Make& make) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  auto& entry = known[{file.device, file.inode}];
  if (auto mapping = entry.lock()) return mapping;
  const Descriptor descriptor = open_shared(file);
  auto mapping = std::make_shared<Mapping>(make(descriptor.get()));
  entry = mapping;
  return mapping;
}

std::shared_ptr<Mapping> SharedMappings::map(const SharedFileHandle& file, const char* what) {
  return find(whole_, file, [&](int descriptor) {
    return Mapping::shared(descriptor, 0, file.bytes, {.reserve_only = true}, what);
  });
}

std::shared_ptr<Mapping> SharedMappings::gather(const SharedFileHandle& file,
                                                const Mapping::Pieces& pieces, const char* what) {
  return find(gathered_, file, [&](int descriptor) {
    Mapping mapping = Mapping::gathered(descriptor, pieces, what);
    populate(mapping.data(), mapping.size(), Touch::kWrite);
    return mapping;
  });
}

}  // namespace tutti::shm
