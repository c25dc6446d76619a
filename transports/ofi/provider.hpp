// Which of libfabric's providers is used. libfabric is loaded when somebody asks for it: what it
// brings along takes a process 200 ms to load, whether it uses any of that or not.
#pragma once

#include <rdma/fabric.h>

#include <memory>
#include <string>

namespace tutti::ofi {

// The few functions that are not in libfabric's headers.
struct Library {
  decltype(&::fi_getinfo) getinfo = nullptr;
  decltype(&::fi_freeinfo) freeinfo = nullptr;
  decltype(&::fi_dupinfo) dupinfo = nullptr;
  decltype(&::fi_fabric) fabric = nullptr;
  decltype(&::fi_strerror) strerror = nullptr;

  // Loaded at the first call, for good. tuttiSystemError that says why it cannot be.
  static const Library& get();
};

struct FreeInfo {
  void operator()(fi_info* info) const noexcept { Library::get().freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, FreeInfo>;

// The provider of reliable datagrams that TUTTI_OFI_PROVIDER names, or the first, as libfabric
// orders them.
Info choose_provider();

}  // namespace tutti::ofi
