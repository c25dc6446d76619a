#include "transports/ofi/provider.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"

namespace tutti::ofi {

namespace {

constexpr const char* kLibrary = "libfabric.so.1";
constexpr const char* kVariable = "TUTTI_OFI_PROVIDER";

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    fail(tuttiSystemError, "transport ofi: {} has no {}", kLibrary, name);
  }
}

Library load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(tuttiSystemError, "transport ofi: {}", ::dlerror());
  Library functions;
  find(library, "fi_getinfo", functions.getinfo);
  find(library, "fi_freeinfo", functions.freeinfo);
  find(library, "fi_dupinfo", functions.dupinfo);
  find(library, "fi_fabric", functions.fabric);
  find(library, "fi_strerror", functions.strerror);
  return functions;
}

// What this transport can deal with; nothing where no provider has it.
Info all_providers() {
  const Library& library = Library::get();
  const Info hints(library.dupinfo(nullptr));
  if (!hints) fail(tuttiSystemError, "transport ofi: no memory for libfabric's answer");
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  // No peer touches memory here: what modes say of that is no matter.
  hints->domain_attr->mr_mode =
      FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  hints->domain_attr->threading = FI_THREAD_SAFE;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  fi_info* found = nullptr;
  const int result = library.getinfo(FI_VERSION(1, 14), nullptr, nullptr, 0, hints.get(), &found);
  if (result != 0 && result != -FI_ENODATA) {
    fail(tuttiSystemError, "transport ofi: libfabric does not say what there is: {}",
         library.strerror(-result));
  }
  return Info(found);
}

std::string_view name_of(const fi_info& info) { return info.fabric_attr->prov_name; }

// "tcp" is "tcp;ofi_rxm" too, unless there is one that is just that.
bool answers_to(std::string_view provider, std::string_view name) {
  return provider == name || (provider.starts_with(name) && provider[name.size()] == ';');
}

const fi_info* find_named(const fi_info* first, std::string_view name) {
  const fi_info* found = nullptr;
  for (const fi_info* info = first; info != nullptr; info = info->next) {
    if (name_of(*info) == name) return info;
    if (found == nullptr && answers_to(name_of(*info), name)) found = info;
  }
  return found;
}

std::vector<std::string> names_of(const fi_info* first) {
  std::vector<std::string> names;
  for (const fi_info* info = first; info != nullptr; info = info->next) {
    const std::string name(name_of(*info));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace

const Library& Library::get() {
  static const Library library = load();
  return library;
}

Info choose_provider() {
  const Info all = all_providers();
  const std::optional<std::string> name = env_string(kVariable);
  const fi_info* const found = name ? find_named(all.get(), *name) : all.get();
  if (found != nullptr) return Info(Library::get().dupinfo(found));
  const std::vector<std::string> names = names_of(all.get());
  if (name && !names.empty()) {
    fail(tuttiInvalidArgument,
         "{}=\"{}\": libfabric has no such provider here that transport ofi can use; it has {}",
         kVariable, *name, fmt::join(names, ", "));
  }
  fail(tuttiSystemError, "transport ofi: libfabric has no provider here with reliable datagrams");
}

}  // namespace tutti::ofi
