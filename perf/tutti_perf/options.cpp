#include "perf/tutti_perf/options.hpp"

#include <CLI/CLI.hpp>
#include <stdexcept>

#include "base/data_type.hpp"
#include "perf/common/routing.hpp"

namespace tutti::perf {
namespace {

constexpr const char* kOps =
    "all_reduce broadcast reduce all_gather reduce_scatter all_to_all all_to_allv all_gatherv "
    "reduce_scatterv gather scatter sendrecv barrier moe all p2p";

// Options as they are typed; resolve() turns them into values.
struct Words {
  std::string begin, end, factor, increment, nodes;
  std::string type = "float", redop;
  std::string mode, buffers = "symmetric";
};

void add_sweep_options(CLI::App& app, Words& words, Options& options) {
  app.add_option("-b,--minbytes", words.begin, "Smallest size, as in nccl-tests: 8, 4K, 2M, 1G");
  app.add_option("-e,--maxbytes", words.end, "Largest size; default -b; without both, 8 to 32M");
  auto* factor = app.add_option("-f,--stepfactor", words.factor, "Factor between sizes; default 2");
  app.add_option("-i,--stepbytes", words.increment, "Bytes between sizes")->excludes(factor);
  app.add_option("-n,--iters", options.samples, "Samples; each a batch of at least 20 us")
      ->check(CLI::Range(1, 1000000));
  app.add_option("-w,--warmup_iters", options.warmup, "Iterations before the first sample")
      ->check(CLI::Range(0, 1000000));
  app.add_option("-c,--check", options.check, "Verify the data: 1, or 0");
  app.add_option("-d,--datatype", words.type, "Element type, or all");
  app.add_option("-o,--op", words.redop, "sum, prod, max, min, avg, or all; of p2p: put, or view");
  app.add_option("-r,--root", options.root, "Root rank")->check(CLI::NonNegativeNumber);
  app.add_option("-J,--json", options.json_path, "Write the report to this file; - is stdout");
}

void add_world_options(CLI::App& app, Words& words, Options& options) {
  auto* ranks = app.add_option("--ranks", options.ranks, "Start this many local ranks")
                    ->check(CLI::Range(1, 4096));
  app.add_flag("--threads", options.threads, "Ranks are threads, not processes")->needs(ranks);
  app.add_flag("!--no-pin", options.pin, "Leave ranks where the system puts them");
  app.add_option("--transport", options.transport, "Transport; default: the library's choice");
  app.add_option("--algorithm", options.algorithm, "Algorithm; default: the library's choice");
  app.add_option("--buffers", words.buffers, "tuttiMemAlloc and a window, or malloc")
      ->check(CLI::IsMember({"symmetric", "plain"}));
  app.add_option("--mode", words.mode,
                 "Back to back (default), or beginning together (default with --fabric)")
      ->check(CLI::IsMember({"throughput", "latency"}));
  app.add_option("--seed", options.seed, "Seed of routing and data");
}

void add_moe_options(CLI::App& app, MoeOptions& moe) {
  const auto positive = CLI::Range(1, 1 << 24);
  const auto row_types = CLI::IsMember({"bf16", "fp32", "int8", "fp8"});
  app.add_option("--tokens", moe.tokens, "moe: tokens per rank")->check(CLI::Range(0, 1 << 24));
  app.add_option("--hidden", moe.hidden, "moe: elements of a row")->check(positive);
  app.add_option("--topk", moe.topk, "moe: experts a token visits")->check(CLI::Range(1, 64));
  app.add_option("--experts", moe.experts, "moe: experts")->check(positive);
  app.add_option("--layout", moe.layout)->check(CLI::IsMember({"token", "expert"}));
  app.add_option("--rows-per", moe.rows_per)->check(CLI::IsMember({"rank", "lane"}));
  app.add_option("--dispatch-type", moe.dispatch_type)->check(row_types);
  app.add_option("--combine-type", moe.combine_type)->check(CLI::IsMember({"bf16", "fp32"}));
  app.add_option("--routing", moe.routing, "uniform, zipf:S, hot:P or file:PATH");
}

template <class Function>
auto named(const char* option, Function function) {
  try {
    return function();
  } catch (const std::invalid_argument& error) {
    throw OptionsExit{2, std::string("tutti-perf: ") + option + ": " + error.what() + "\n"};
  }
}

[[noreturn]] void reject(const std::string& why) {
  throw OptionsExit{2, "tutti-perf: " + why + "\n"};
}

double parse_factor(const std::string& text) {
  std::size_t used = 0;
  double factor = 0;
  try {
    factor = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(factor > 1) || factor > 1e9) {
    throw std::invalid_argument("'" + text + "' is not a factor above 1");
  }
  return factor;
}

void resolve_sweep(const Words& words, Sweep& sweep) {
  if (!words.begin.empty()) {
    sweep.begin_bytes = named("-b", [&] { return parse_bytes(words.begin); });
    sweep.end_bytes = sweep.begin_bytes;
  }
  if (!words.end.empty()) {
    sweep.end_bytes = named("-e", [&] { return parse_bytes(words.end); });
  }
  if (sweep.end_bytes < sweep.begin_bytes) {
    reject("-e " + words.end + " is smaller than -b " + (words.begin.empty() ? "8" : words.begin));
  }
  if (!words.factor.empty()) {
    sweep.factor = named("-f", [&] { return parse_factor(words.factor); });
  }
  if (!words.increment.empty()) {
    sweep.increment_bytes = named("-i", [&] { return parse_bytes(words.increment); });
    if (sweep.increment_bytes == 0) reject("-i 0 never reaches -e");
  }
}

void resolve_types(const Words& words, Options& options) {
  if (words.type == "all") {
    options.types.clear();
    for (int t = 0; t < tuttiNumTypes; ++t) {
      options.types.push_back(static_cast<tuttiDataType_t>(t));
    }
  } else {
    options.types = {named("-d", [&] { return parse_data_type(words.type); })};
  }
  if (words.redop == "all") {
    options.redops = {tuttiSum, tuttiProd, tuttiMax, tuttiMin, tuttiAvg};
  } else if (!words.redop.empty()) {
    options.redops = {named("-o", [&] { return parse_redop(words.redop); })};
  }
}

// Time is virtual: an iteration takes what the one before took, once buffers are known.
constexpr int kFabricSamples = 3;
constexpr int kFabricWarmup = 1;

void resolve_fabric(const CLI::App& app, const Words& words, Options& options) {
  FabricOptions& fabric = options.fabric;
  if (!fabric.given()) return;
  if (options.ranks == 0 && options.word != "p2p")
    reject("--fabric needs --ranks: a simulation starts its own ranks");
  if (options.threads) reject("--threads: ranks on a simulated fabric are fibres of one thread");
  if (!options.pin)
    reject("--no-pin: ranks on a simulated fabric are fibres, which are not pinned");
  if (!options.transport.empty()) {
    reject("--transport " + options.transport + ": a simulated fabric has a transport of its own");
  }
  if (fabric.cell_bytes != 0 && fabric.level != "cell") {
    reject("--cell-bytes needs --level cell: at " + fabric.level + " there are none");
  }
  if (!words.nodes.empty()) {
    fabric.nodes = named("--nodes", [&] { return parse_nodes(words.nodes); });
  }
  if (fabric.timing_only) {
    if (app.count("--check") > 0 && options.check) {
      reject("-c 1: with --timing-only there are no data to verify");
    }
    if (words.buffers == "plain") {
      reject("--buffers plain: with --timing-only, payload is what tuttiMemAlloc gives");
    }
    options.check = false;
  }
  if (app.count("--iters") == 0) options.samples = kFabricSamples;
  if (app.count("--warmup_iters") == 0) options.warmup = kFabricWarmup;
}

// What collectives have and a pair of ranks has not.
void resolve_p2p(const CLI::App& app, const Words& words, Options& options) {
  if (!options.fabric.given()) reject("p2p needs --fabric: it measures simulated fabrics");
  for (const char* const other : {"--datatype", "--root", "--algorithm", "--buffers", "--mode",
                                  "--seed", "--timing-only", "--check-races"}) {
    if (app.count(other) > 0) {
      reject(std::string(other) + ": p2p moves bytes between two ranks, one row at a time");
    }
  }
  if (!words.redop.empty() && words.redop != "put" && words.redop != "view") {
    reject("--op " + words.redop + ": p2p has put and view; without it, both");
  }
  options.p2p = P2pOptions{.put = words.redop != "view", .view = words.redop != "put"};
}

void resolve_ops(Options& options) {
  if (options.word != "all") {
    options.ops = {named("OP", [&] { return parse_op(options.word); })};
    return;
  }
  for (int op = 0; op <= static_cast<int>(Op::kMoe); ++op) {
    options.ops.push_back(static_cast<Op>(op));
  }
}

}  // namespace

tuttiDataType_t parse_data_type(const std::string& name) {
  constexpr std::pair<const char*, tuttiDataType_t> kAliases[] = {
      {"char", tuttiInt8},       {"int", tuttiInt32},           {"half", tuttiFloat16},
      {"float32", tuttiFloat32}, {"float64", tuttiFloat64},     {"bf16", tuttiBfloat16},
      {"fp16", tuttiFloat16},    {"fp8_e4m3", tuttiFloat8e4m3}, {"fp8_e5m2", tuttiFloat8e5m2}};
  for (const auto& [alias, type] : kAliases) {
    if (name == alias) return type;
  }
  std::string known;
  for (int t = 0; t < tuttiNumTypes; ++t) {
    const auto type = static_cast<tuttiDataType_t>(t);
    if (name == name_of(type)) return type;
    known += std::string(name_of(type)) + " ";
  }
  throw std::invalid_argument("'" + name + "' is no element type; there are " + known + "and all");
}

tuttiRedOp_t parse_redop(const std::string& name) {
  for (int op = 0; op < tuttiNumOps; ++op) {
    if (name == name_of(static_cast<tuttiRedOp_t>(op))) return static_cast<tuttiRedOp_t>(op);
  }
  throw std::invalid_argument("'" + name + "' is no operator; there are sum prod max min avg all");
}

Options parse_options(int argc, const char* const* argv) {
  Options options;
  Words words;
  CLI::App app("Measures and verifies Tutti's operations", "tutti-perf");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("OP", options.word, kOps)->required();
  add_sweep_options(app, words, options);
  add_world_options(app, words, options);
  add_moe_options(app, options.moe);
  add_fabric_options(app, options.fabric, words.nodes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    throw OptionsExit{0, app.help()};
  } catch (const CLI::ParseError& error) {
    reject(error.what());
  }
  resolve_fabric(app, words, options);
  resolve_sweep(words, options.sweep);
  if (options.word == "p2p") {
    resolve_p2p(app, words, options);
    return options;
  }
  resolve_ops(options);
  resolve_types(words, options);
  // By default ranks run back to back on a machine, and begin together on a simulated fabric.
  options.latency = words.mode.empty() ? options.fabric.given() : words.mode == "latency";
  options.symmetric = words.buffers == "symmetric";
  if (options.ranks > 0 && options.root >= options.ranks) {
    reject("-r " + std::to_string(options.root) + ": there are only " +
           std::to_string(options.ranks) + " ranks");
  }
  if (options.moe.topk > options.moe.experts) {
    reject("--topk " + std::to_string(options.moe.topk) + " is more than --experts " +
           std::to_string(options.moe.experts));
  }
  named("--routing", [&] { return parse_routing(options.moe.routing); });
  return options;
}

}  // namespace tutti::perf
