#include "perf/common/commit.hpp"

#include "tutti_commit.h"  // written by commit.cmake at every build

namespace tutti::perf {

std::string commit() { return TUTTI_COMMIT; }

}  // namespace tutti::perf
