// Tutti's C++20 facade over tutti.h and moe.h: RAII handles, ranges with their element type
// deduced, and tutti::Error instead of codes. Header-only: what crosses the library's boundary is
// C.
//
//   auto comm = tutti::Communicator::world();
//   std::vector<float> values(1024, 1.0f);
//   comm.all_reduce(values, values);
//
// Handles convert to or give (get()) those of the C API, so that both may be mixed.
#pragma once

#include <tutti/communicator.hpp>
#include <tutti/error.hpp>
#include <tutti/memory.hpp>
#include <tutti/moe.hpp>
#include <tutti/stream.hpp>

namespace tutti {
inline namespace facade {

// The version of the library that is loaded, as TUTTI_VERSION(major, minor, patch).
inline int version() {
  int code = 0;
  detail::check(tuttiGetVersion(&code));
  return code;
}

}  // namespace facade
}  // namespace tutti
