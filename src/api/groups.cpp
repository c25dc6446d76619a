// Groups of calls. Their errors belong to no communicator: the sentence is the thread's.
#include <tutti/tutti.h>

#include "api/boundary.hpp"
#include "communicator/group.hpp"

using tutti::Group;
using tutti::api::guarded;

tuttiResult_t tuttiGroupStart(void) {
  return guarded(nullptr, [] { Group::start(); });
}

tuttiResult_t tuttiGroupEnd(void) {
  return guarded(nullptr, [] {
    const tutti::CallNote note({.kind = "GroupEnd"});
    Group::end();
  });
}
