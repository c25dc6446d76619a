#include "perf/tutti_perf/fabric_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace tutti::perf {
namespace {

constexpr int kMostNodes = 1 << 20;

int parse_node(std::string_view text, const std::string& all) {
  int node = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), node);
  if (error != std::errc() || end != text.data() + text.size() || node < 0 || node > kMostNodes) {
    throw std::invalid_argument("'" + std::string(text) + "' in '" + all +
                                "' is no node; expected numbers and ranges, as 0,2,5-7");
  }
  return node;
}

}  // namespace

void add_fabric_options(CLI::App& app, FabricOptions& options, std::string& nodes,
                        const std::string& ranks) {
  auto* fabric =
      app.add_option("--fabric", options.name,
                     "Simulate this fabric, a built-in profile or a JSON file: ranks are " + ranks +
                         ", times are virtual");
  app.add_option("--per", options.per, "What a rank is: die, package, gpu, ...")->needs(fabric);
  app.add_option("--nodes", nodes, "Nodes to fill with ranks, in this order: 0,2,5-7")
      ->needs(fabric);
  app.add_option("--level", options.level, "How closely the fabric is looked at")
      ->check(CLI::IsMember({"bound", "message", "cell"}))
      ->needs(fabric);
  app.add_option("--cell-bytes", options.cell_bytes, "Of --level cell")
      ->check(CLI::Range(512, 4096))
      ->needs(fabric);
  app.add_option("--set", options.settings, "Change a field of the profile: PATH=VALUE; repeatable")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->needs(fabric);
  app.add_option("--reorder-seed", options.reorder_seed,
                 "Whose turn it is at equal times; 0: ranks in ascending order")
      ->needs(fabric);
  app.add_option("--jitter", options.jitter_percent,
                 "Percent by which a rank's pieces of work vary, by chance; "
                 "default: the profile's")
      ->check(CLI::Range(0, 100))
      ->needs(fabric);
  app.add_option("--jitter-seed", options.jitter_seed, "Of that chance; default 1")->needs(fabric);
  app.add_flag(
         "--timing-only", options.timing_only,
         "Payload is neither moved nor backed by memory, nor verified; the times are the same")
      ->needs(fabric);
  app.add_option("--trace", options.trace,
                 "Write what every rank and transfer did when, and the critical path of each "
                 "iteration, to this file, for ui.perfetto.dev")
      ->needs(fabric);
}

std::vector<int> parse_nodes(const std::string& text) {
  std::vector<int> nodes;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string_view part(text.data() + start, end - start);
    const std::size_t dash = part.find('-');
    const int first = parse_node(part.substr(0, dash), text);
    const int last =
        dash == std::string_view::npos ? first : parse_node(part.substr(dash + 1), text);
    if (last < first) {
      throw std::invalid_argument("'" + std::string(part) + "' in '" + text + "' runs backwards");
    }
    for (int node = first; node <= last; ++node) nodes.push_back(node);
    start = end + 1;
  }
  return nodes;
}

tuttiSimConfig_t sim_config(const FabricOptions& options, std::vector<const char*>& settings) {
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = options.name.c_str();
  if (!options.per.empty()) config.rank_per = options.per.c_str();
  if (!options.nodes.empty()) config.nodes = options.nodes.data();
  config.num_nodes = static_cast<int>(options.nodes.size());
  config.level = options.level == "bound"  ? tuttiSimBound
                 : options.level == "cell" ? tuttiSimCell
                                           : tuttiSimMessage;
  config.cell_bytes = options.cell_bytes;
  config.reorder_seed = options.reorder_seed;
  config.jitter_percent = options.jitter_percent;
  config.jitter_seed = options.jitter_seed;
  if (options.timing_only) config.flags |= TUTTI_SIM_TIMING_ONLY;
  if (!options.trace.empty()) config.trace = options.trace.c_str();
  settings.clear();
  for (const std::string& setting : options.settings) settings.push_back(setting.c_str());
  if (!settings.empty()) config.settings = settings.data();
  config.num_settings = static_cast<int>(settings.size());
  return config;
}

}  // namespace tutti::perf
