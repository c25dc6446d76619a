#include "base/call_watcher.hpp"

#include "base/fibre_host.hpp"

namespace tutti {

CallWatcher* CallWatcher::of(FibreHost& host) noexcept {
  auto* const watcher = dynamic_cast<CallWatcher*>(&host);
  return watcher != nullptr && watcher->listens() ? watcher : nullptr;
}

}  // namespace tutti
