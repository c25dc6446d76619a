// What one run of the layer looks like; the same on every rank.
#pragma once

#include <tutti/moe.h>

#include <cstdint>
#include <string>

namespace moe_layer {

struct Config {
  int ranks = 8;
  int tokens = 128;  // per rank and step
  int hidden = 7168;
  int experts = 256;
  int topk = 8;
  int width = 32;  // of the experts' intermediate vectors; 2048 in DeepSeek-R1
  int steps = 5;   // timed and verified, after one that is only verified
  tuttiMoeLayout_t layout = tuttiMoeLayoutExpert;
  std::string text;

  std::size_t row_bytes() const { return static_cast<std::size_t>(hidden) * sizeof(std::uint16_t); }
};

// Reads the command line; on a wrong or unusual one (--help) prints why and exits.
Config parse(int argc, char** argv);

}  // namespace moe_layer
