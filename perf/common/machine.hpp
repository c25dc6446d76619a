// What a result must be read with: processor, cores, kernel, compiler, flags.
#pragma once

#include <string>

namespace tutti::perf {

struct Machine {
  std::string cpu;
  int cores = 0;  // that this process may run on
  std::string kernel;
  std::string compiler;
  std::string flags;
};

Machine describe_machine();

}  // namespace tutti::perf
