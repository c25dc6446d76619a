// What one run of the engine is asked to do.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace moe_engine {

// Wrong options that come to light after the command line has been read; exit code 2.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  int ranks = 8;
  bool ranks_given = false;
  bool threads = false;
  std::string fabric;  // empty: this machine
  std::vector<std::string> prompts;
  std::size_t requests = 0;  // 0: one a prompt
  std::size_t tokens = 64;   // to write
  bool check = false;
  bool evaluate = false;
  std::size_t windows = 0;  // to evaluate; 0: all that expected.json names
  std::string model;
  EngineOptions engine;
};

// Reads the command line; on a wrong or unusual one (--help) prints why and exits.
Options parse(int argc, char** argv);

}  // namespace moe_engine
