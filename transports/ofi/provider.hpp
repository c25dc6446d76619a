// Which of libfabric's providers is used. libfabric is loaded when somebody asks for it: what it
// brings along takes a process 200 ms to load, whether it uses any of that or not.
#pragma once

#include <rdma/fabric.h>

#include <memory>
#include <string>

#include "transports/ofi/fabric_search.hpp"

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

// Does it write into a peer's memory and tell the peer, with a number of 32 bits?
bool tells_of_writes(const fi_info& info) noexcept;

// Of the providers of reliable datagrams, or of those that TUTTI_OFI_PROVIDER names, the first that
// is a fabric, or else the first, as libfabric orders them; those that write before others.
Info choose_provider();

// The name of that provider, if it is a fabric. Loads libfabric.
FabricSearch search_providers();

}  // namespace tutti::ofi
