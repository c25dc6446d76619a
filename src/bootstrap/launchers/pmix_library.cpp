#include "bootstrap/launchers/pmix_library.hpp"

#include <dlfcn.h>

#include <string>

#include "base/environment.hpp"
#include "base/error.hpp"

namespace tutti::pmix {

namespace {

template <typename Function>
Function* function_of(void* library, const std::string& name, const char* function) {
  void* const address = ::dlsym(library, function);
  if (address == nullptr) fail(tuttiSystemError, "PMIx: '{}' has no {}", name, function);
  return reinterpret_cast<Function*>(address);
}

Library open_library() {
  const std::string name = env_string("TUTTI_PMIX_LIBRARY").value_or("libpmix.so.2");
  // Its threads may run to the end of the process, hence it stays.
  void* const library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    fail(tuttiSystemError,
         "PMIx: the launcher speaks it, and its library cannot be opened: {} (TUTTI_PMIX_LIBRARY "
         "names the file)",
         reason != nullptr ? reason : name);
  }
  return {.init = function_of<Init>(library, name, "PMIx_Init"),
          .finalize = function_of<Finalize>(library, name, "PMIx_Finalize"),
          .put = function_of<Put>(library, name, "PMIx_Put"),
          .commit = function_of<Commit>(library, name, "PMIx_Commit"),
          .fence = function_of<Fence>(library, name, "PMIx_Fence_nb"),
          .get = function_of<Get>(library, name, "PMIx_Get_nb"),
          .error_text = function_of<ErrorText>(library, name, "PMIx_Error_string")};
}

}  // namespace

const Library& Library::open() {
  static const Library library = open_library();
  return library;
}

}  // namespace tutti::pmix
