#include "perf/common/routing.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>

namespace tutti::perf {
namespace {

// In (0, 1); the standard distributions differ between libraries, this does not.
double uniform01(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53;
}

// Popularity of every expert; which experts are popular depends on the seed and not on the rank.
std::vector<double> popularity(const RoutingSpec& spec, int experts, std::uint64_t seed) {
  std::vector<double> weight(static_cast<std::size_t>(experts), 1.0);
  if (spec.kind != RoutingSpec::Kind::kZipf) return weight;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight[i] = std::pow(static_cast<double>(i + 1), -spec.value);
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = weight.size(); i > 1; --i) std::swap(weight[i - 1], weight[random() % i]);
  return weight;
}

// The k experts of largest log(weight) + Gumbel noise: a draw without replacement.
std::vector<std::int32_t> draw(const std::vector<double>& weight, int k, std::mt19937_64& random) {
  std::vector<double> key(weight.size());
  for (std::size_t e = 0; e < key.size(); ++e) {
    key[e] = std::log(weight[e]) - std::log(-std::log(uniform01(random)));
  }
  std::vector<std::int32_t> order(weight.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      return key[static_cast<std::size_t>(a)] > key[static_cast<std::size_t>(b)];
                    });
  order.resize(static_cast<std::size_t>(k));
  return order;
}

void make_hot(std::vector<std::int32_t>& lanes, double probability, std::mt19937_64& random) {
  const bool wanted = uniform01(random) < probability;
  if (wanted && std::find(lanes.begin(), lanes.end(), 0) == lanes.end()) lanes[0] = 0;
}

// One line of a routing file; throws with the reason alone.
std::vector<std::int32_t> parse_line(const std::string& line, const RoutingSize& size) {
  std::istringstream words(line);
  std::vector<std::int32_t> ids;
  for (std::string word; words >> word;) {
    std::int32_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc{} || end != word.data() + word.size()) {
      throw std::invalid_argument("'" + word + "' is not an expert id");
    }
    if (id < -1 || id >= size.experts) {
      throw std::invalid_argument("expert " + word + " is not in [-1, " +
                                  std::to_string(size.experts) + ")");
    }
    if (id >= 0 && std::find(ids.begin(), ids.end(), id) != ids.end()) {
      throw std::invalid_argument("expert " + word + " occurs twice");
    }
    ids.push_back(id);
  }
  if (ids.size() != static_cast<std::size_t>(size.topk)) {
    throw std::invalid_argument(std::to_string(ids.size()) + " ids where top-k is " +
                                std::to_string(size.topk));
  }
  return ids;
}

std::vector<std::vector<std::int32_t>> read_lines(const std::string& path,
                                                  const RoutingSize& size) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("cannot read the routing file '" + path + "'");
  std::vector<std::vector<std::int32_t>> lines;
  for (std::string line; std::getline(file, line);) {
    try {
      lines.push_back(parse_line(line, size));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("'" + path + "' line " + std::to_string(lines.size() + 1) + ": " +
                                  error.what());
    }
  }
  if (lines.empty()) throw std::invalid_argument("the routing file '" + path + "' is empty");
  return lines;
}

void append_weights(Routing& routing, std::mt19937_64& random) {
  std::vector<double> raw(static_cast<std::size_t>(routing.topk));
  for (double& w : raw) w = 0.1 + uniform01(random);
  const double sum = std::accumulate(raw.begin(), raw.end(), 0.0);
  for (const double w : raw) routing.weights.push_back(static_cast<float>(w / sum));
}

}  // namespace

RoutingSpec parse_routing(const std::string& text) {
  if (text == "uniform") return {};
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (kind == "file" && !rest.empty()) return {RoutingSpec::Kind::kFile, 0, rest};
  std::istringstream number(rest);
  double value = 0;
  if (number >> value && number.eof() && value >= 0) {
    if (kind == "zipf") return {RoutingSpec::Kind::kZipf, value, ""};
    if (kind == "hot" && value <= 1) return {RoutingSpec::Kind::kHot, value, ""};
  }
  throw std::invalid_argument("'" + text + "' is not uniform, zipf:S, hot:P or file:PATH");
}

Routing make_routing(const RoutingSpec& spec, const RoutingSize& size, std::uint64_t seed,
                     int rank) {
  if (size.topk < 1 || size.topk > size.experts) {
    throw std::invalid_argument("top-k must lie between 1 and the number of experts");
  }
  Routing routing{size.tokens, size.topk, {}, {}};
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(rank) + 1);
  const auto weight = popularity(spec, size.experts, seed);
  std::vector<std::vector<std::int32_t>> lines;
  if (spec.kind == RoutingSpec::Kind::kFile) lines = read_lines(spec.path, size);
  const std::size_t first = static_cast<std::size_t>(rank) * static_cast<std::size_t>(size.tokens);
  for (int t = 0; t < size.tokens; ++t) {
    auto lanes = lines.empty() ? draw(weight, size.topk, random)
                               : lines[(first + static_cast<std::size_t>(t)) % lines.size()];
    if (spec.kind == RoutingSpec::Kind::kHot) make_hot(lanes, spec.value, random);
    routing.experts.insert(routing.experts.end(), lanes.begin(), lanes.end());
    append_weights(routing, random);
  }
  return routing;
}

int first_expert(int rank, int ranks, int experts) {
  return rank * (experts / ranks) + std::min(rank, experts % ranks);
}

int owner_of_expert(int expert, int ranks, int experts) {
  const int smaller = experts / ranks, larger_blocks = experts % ranks;
  const int in_larger = larger_blocks * (smaller + 1);
  if (expert < in_larger) return expert / (smaller + 1);
  return larger_blocks + (expert - in_larger) / smaller;
}

}  // namespace tutti::perf
