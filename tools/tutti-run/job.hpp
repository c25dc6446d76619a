// What tutti-run tells the tutti-run of another host: which ranks to start there, and how. It
// travels through ssh's input, so that neither a shell nor a list of processes sees it.
//
//   launcher -> agent                      agent -> launcher, on standard error
//   "tutti-run job BYTES\n", then BYTES    0x1e "ended RANK STATUS\n" for each rank
//   of texts, each ended by a zero         0x1e "cannot CODE TEXT\n": it ends with exit code CODE
//   a byte for each signal to pass on      other lines: what ranks print
//   its end: kill everything
#pragma once

#include <string>
#include <string_view>
#include <tutti/transport.hpp>
#include <vector>

#include "binding.hpp"

namespace tutti::launcher {

struct Job {
  std::string directory;
  std::vector<std::string> command;
  std::vector<std::string> environment;  // "NAME=value"
  std::string unique_id;
  int ranks = 0;  // of the world
  int first_rank = 0;
  int local_ranks = 0;
  bool prefix = false;
  Binding binding = Binding::kNode;
};

std::string encode_job(const Job& job);

// Reads a job and nothing behind it. tuttiRemoteError for an end before that and for anything else
// than a job.
Job read_job(int descriptor);

}  // namespace tutti::launcher
