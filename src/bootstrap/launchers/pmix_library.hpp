// libpmix, opened when somebody needs it.
#pragma once

#include "bootstrap/launchers/pmix_abi.hpp"

namespace tutti::pmix {

struct Library {
  Init* init;
  Finalize* finalize;
  Put* put;
  Commit* commit;
  Fence* fence;
  Get* get;
  ErrorText* error_text;

  // libpmix.so.2, or the file that TUTTI_PMIX_LIBRARY names; stays open. tuttiSystemError saying
  // what cannot be opened or is not there.
  static const Library& open();
};

}  // namespace tutti::pmix
