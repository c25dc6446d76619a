#include "perf/peers/options.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

namespace tutti::perf {
namespace {

void add_sizes(CLI::App& app, std::string& begin, std::string& end, PeerOptions& options) {
  app.add_option("-b,--minbytes", begin, "smallest size (nccl-tests' meaning)");
  app.add_option("-e,--maxbytes", end, "largest size; default: the smallest");
  app.add_option("-f,--stepfactor", options.sweep.factor, "multiply sizes by this");
  app.add_option("-n,--iters", options.samples, "samples per row")->check(CLI::PositiveNumber);
  app.add_option("-w,--warmup_iters", options.warmup, "iterations before measuring")
      ->check(CLI::NonNegativeNumber);
}

void add_moe(CLI::App& app, PeerOptions& options) {
  app.add_option("--tokens", options.tokens, "tokens of each rank")->check(CLI::NonNegativeNumber);
  app.add_option("--hidden", options.hidden, "elements of a row")->check(CLI::PositiveNumber);
  app.add_option("--topk", options.topk, "experts a token visits")->check(CLI::Range(1, 64));
  app.add_option("--experts", options.experts, "experts of all ranks")->check(CLI::PositiveNumber);
  app.add_option("--layout", options.layout)->check(CLI::IsMember({"token", "expert"}));
  app.add_option("--rows-per", options.rows_per)->check(CLI::IsMember({"rank", "lane"}));
  app.add_option("--routing", options.routing, "uniform, zipf:S, hot:P or file:PATH");
  app.add_option("--seed", options.seed);
}

}  // namespace

std::optional<PeerOptions> parse_options(int argc, char** argv, bool quiet, int& exit_code) {
  CLI::App app{"Measures a peer library with tutti-perf's options, sizes and report."};
  PeerOptions options;
  std::string op;
  std::string begin = "8";
  std::string end;
  std::string type;
  std::string mode;
  int check = 1;
  app.add_option("op", op, "all_reduce all_to_all barrier broadcast all_gather reduce_scatter moe")
      ->required();
  add_sizes(app, begin, end, options);
  add_moe(app, options);
  app.add_option("-d,--datatype", type, "float")->check(CLI::IsMember({"float"}));
  app.add_option("-c,--check", check, "0: do not verify")->check(CLI::Range(0, 1));
  app.add_option("--mode", mode)->check(CLI::IsMember({"throughput", "latency"}));
  app.add_option("-J,--json", options.json_path, "write the report here; -: to stdout");
  app.add_option("--ranks", options.local_ranks, "start this many ranks (Gloo only)");
  try {
    app.parse(argc, argv);
    options.op = parse_op(op);
    options.sweep.begin_bytes = parse_bytes(begin);
    options.sweep.end_bytes = parse_bytes(end.empty() ? begin : end);
  } catch (const CLI::ParseError& error) {
    std::ostringstream sink;
    exit_code = quiet ? app.exit(error, sink, sink) : app.exit(error);
    return std::nullopt;
  } catch (const std::invalid_argument& error) {
    if (!quiet) std::cerr << error.what() << "\n";
    exit_code = 1;
    return std::nullopt;
  }
  options.check = check != 0;
  options.barrier_between = mode == "latency";
  return options;
}

}  // namespace tutti::perf
