// What a result must be read with: processor, cores, kernel, compiler, flags.
#pragma once

#include <string>

namespace tutti::perf {

struct Machine {
  std::string cpu;
  int cores = 0;  // online; a launcher may have bound this process to fewer
  std::string kernel;
  std::string compiler;
  std::string flags;
};

Machine describe_machine();

}  // namespace tutti::perf
