// Shareable memory.
#include <tutti/tutti.h>

#include "api/boundary.hpp"
#include "memory/heap.hpp"

tuttiResult_t tuttiMemAlloc(void** ptr, size_t size) {
  return tutti::api::guarded(nullptr, [&] {
    tutti::api::need(ptr, "ptr");
    *ptr = nullptr;
    *ptr = tutti::Heap::for_payload().allocate(size);
  });
}

tuttiResult_t tuttiMemFree(void* ptr) {
  return tutti::api::guarded(nullptr, [&] { tutti::Heap::around(ptr).free(ptr); });
}
