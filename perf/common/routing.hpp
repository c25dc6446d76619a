// Which experts a token visits: top-k without replacement, the same on every machine for the same
// seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tutti::perf {

struct RoutingSpec {
  enum class Kind { kUniform, kZipf, kHot, kFile };
  Kind kind = Kind::kUniform;
  double value = 0;  // kZipf: exponent; kHot: probability that a token visits expert 0
  std::string path;  // kFile: a line per token, K expert ids
};

// "uniform", "zipf:S", "hot:P" or "file:PATH"; throws std::invalid_argument.
RoutingSpec parse_routing(const std::string& text);

struct Routing {
  int tokens = 0;
  int topk = 0;
  std::vector<std::int32_t> experts;  // [tokens, topk]
  std::vector<float> weights;         // [tokens, topk], positive, a token's add up to 1
};

struct RoutingSize {
  int tokens;
  int topk;  // <= experts
  int experts;
};

// The routing of `rank`. Any rank may ask for any other's, so that results can be checked. A file
// is dealt out by lines: rank r takes lines [r * tokens, (r + 1) * tokens), from the beginning
// again at its end.
Routing make_routing(const RoutingSpec& spec, const RoutingSize& size, std::uint64_t seed,
                     int rank);

// First expert of `rank` when `experts` lie in contiguous, balanced blocks; rank == ranks gives
// `experts`.
int first_expert(int rank, int ranks, int experts);
// The rank that has `expert`, in [0, experts).
int owner_of_expert(int expert, int ranks, int experts);

}  // namespace tutti::perf
