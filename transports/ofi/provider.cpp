#include "transports/ofi/provider.hpp"

#include <dlfcn.h>
#include <net/if.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"

namespace tutti::ofi {

namespace {

constexpr const char* kLibrary = "libfabric.so.1";
constexpr const char* kVariable = "TUTTI_OFI_PROVIDER";
constexpr std::size_t kCompletionBytes = sizeof(std::uint32_t);  // a landing's number

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

enum class Wanted : std::uint8_t { kWrites, kMessages };

// What this transport can deal with; nothing where no provider has it.
Info providers_of(Wanted wanted) {
  const Library& library = Library::get();
  const Info hints(library.dupinfo(nullptr));
  if (!hints) fail(tuttiSystemError, "transport ofi: no memory for libfabric's answer");
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->mr_mode =
      FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  hints->domain_attr->threading = FI_THREAD_SAFE;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  if (wanted == Wanted::kWrites) {
    hints->caps |= FI_RMA;
    hints->mode |= FI_RX_CQ_DATA;
    hints->domain_attr->cq_data_size = kCompletionBytes;
  }
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

bool is_exactly_there(const fi_info* first, std::string_view name) {
  for (const fi_info* info = first; info != nullptr; info = info->next) {
    if (name_of(*info) == name) return true;
  }
  return false;
}

ProviderFacts facts_of(const fi_info& info) {
  const std::uint64_t reach = info.caps | info.domain_attr->caps;
  const char* const domain = info.domain_attr->name;
  return {.name = std::string(name_of(info)),
          .reaches_hosts = (reach & FI_REMOTE_COMM) != 0,
          .tells_of_writes = tells_of_writes(info),
          .has_device = info.nic != nullptr,
          .over_sockets = domain != nullptr && ::if_nametoindex(domain) != 0};
}

// Of those that answer to the name, if there is one, the first that is a fabric, or else the first.
const fi_info* pick(const fi_info* first, const std::optional<std::string>& name) {
  const bool exactly = name && is_exactly_there(first, *name);
  const fi_info* found = nullptr;
  for (const fi_info* info = first; info != nullptr; info = info->next) {
    if (name && !(exactly ? name_of(*info) == *name : answers_to(name_of(*info), *name))) continue;
    if (why_no_fabric(facts_of(*info)).empty()) return info;
    if (found == nullptr) found = info;
  }
  return found;
}

void add_names(std::vector<std::string>& names, const fi_info* first) {
  for (const fi_info* info = first; info != nullptr; info = info->next) {
    const std::string name(name_of(*info));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
}

}  // namespace

const Library& Library::get() {
  static const Library library = load();
  return library;
}

bool tells_of_writes(const fi_info& info) noexcept {
  constexpr std::uint64_t kBoth = FI_RMA | FI_WRITE | FI_REMOTE_WRITE;
  return (info.caps & kBoth) == kBoth && info.domain_attr->cq_data_size >= kCompletionBytes;
}

Info choose_provider() {
  const std::optional<std::string> name = env_string(kVariable);
  std::vector<std::string> names;
  for (const Wanted wanted : {Wanted::kWrites, Wanted::kMessages}) {
    const Info all = providers_of(wanted);
    if (const fi_info* const found = pick(all.get(), name)) {
      return Info(Library::get().dupinfo(found));
    }
    add_names(names, all.get());
  }
  if (name && !names.empty()) {
    fail(tuttiInvalidArgument,
         "{}=\"{}\": libfabric has no such provider here that transport ofi can use; it has {}",
         kVariable, *name, fmt::join(names, ", "));
  }
  fail(tuttiSystemError, "transport ofi: libfabric has no provider here with reliable datagrams");
}

FabricSearch search_providers() {
  const Info all = providers_of(Wanted::kWrites);
  const fi_info* const found = pick(all.get(), env_string(kVariable));
  if (found == nullptr) return {.why_not = "libfabric has no provider that writes into memory"};
  const ProviderFacts facts = facts_of(*found);
  const std::string why_not = why_no_fabric(facts);
  return {.name = why_not.empty() ? facts.name : "", .why_not = why_not};
}

}  // namespace tutti::ofi
