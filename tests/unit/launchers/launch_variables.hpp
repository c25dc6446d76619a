// An environment without any launcher's variables, in which a test sets some.
#pragma once

#include <cstdlib>
#include <list>
#include <string>

#include "tests/unit/base/scoped_variable.hpp"

namespace tutti::test {

class LaunchVariables {
 public:
  LaunchVariables() {
    for (const char* name : {"TUTTI_BOOTSTRAP",
                             "TUTTI_RANK",
                             "TUTTI_WORLD_SIZE",
                             "TUTTI_LOCAL_RANK",
                             "TUTTI_UNIQUE_ID",
                             "TUTTI_RANK_TABLE",
                             "TUTTI_SECRET",
                             "TUTTI_SECRET_FILE",
                             "TUTTI_MEETING_PORT",
                             "TUTTI_MEETING_HOST",
                             "TUTTI_HEADLESS_SERVICE",
                             "TUTTI_PMIX_LIBRARY",
                             "RANK",
                             "WORLD_SIZE",
                             "LOCAL_RANK",
                             "MASTER_ADDR",
                             "MASTER_PORT",
                             "TORCHELASTIC_RUN_ID",
                             "PMIX_RANK",
                             "PMIX_NAMESPACE",
                             "OMPI_COMM_WORLD_SIZE",
                             "SLURM_STEP_NUM_TASKS",
                             "PMI_FD",
                             "PMI_RANK",
                             "PMI_SIZE",
                             "JOB_COMPLETION_INDEX",
                             "KUBERNETES_SERVICE_HOST"}) {
      variables_.emplace_back(name, nullptr);
    }
  }

  void set(const char* name, const std::string& value) {
    variables_.emplace_front(name, value.c_str());  // undone before those above
  }

 private:
  std::list<ScopedVariable> variables_;
};

}  // namespace tutti::test
