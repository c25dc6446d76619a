#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace moe_engine {
namespace {

constexpr std::size_t kMost = 1 << 16;

void add_work(CLI::App& app, Options& options) {
  app.add_option("--prompt", options.prompts, "text to go on with; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--requests", options.requests,
                 "requests, which have the prompts in turn; 0: one a prompt")
      ->check(CLI::Range(std::size_t{0}, kMost));
  app.add_option("--tokens", options.tokens, "bytes to write for each prompt, at most")
      ->check(CLI::Range(std::size_t{1}, kMost));
  app.add_flag("--check", options.check,
               "run the prompts of expected.json beside the model, and compare what is written");
  app.add_flag("--evaluate", options.evaluate,
               "bits per byte on the text beside the model, compared with expected.json's");
  app.add_option("--windows", options.windows, "of that text, to evaluate; 0: all")
      ->check(CLI::Range(std::size_t{0}, kMost));
  app.add_option("--model", options.model, "a safetensors file")->check(CLI::ExistingFile);
}

void add_ranks(CLI::App& app, Options& options) {
  app.add_option("--ranks", options.ranks, "ranks to start; under a launcher it says how many")
      ->check(CLI::Range(1, 64));
  auto* const threads =
      app.add_flag("--threads", options.threads, "ranks are threads, not processes");
  app.add_option(
         "--fabric", options.fabric,
         "run on a simulated fabric, in virtual time: cloudmatrix384, gb200-nvl72, h800-ib, "
         "or a profile")
      ->excludes(threads);
  app.add_option("--tera-operations", options.engine.device.tera_operations,
                 "of BF16 that a device of that fabric does a second, in 1e12")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-gbs", options.engine.device.memory_gbs,
                 "that it reads of its memory a second, in 1e9 bytes")
      ->check(CLI::PositiveNumber);
}

void add_engine(CLI::App& app, EngineOptions& engine) {
  app.add_option("--layout", engine.layout, "what dispatch delivers: token or expert")
      ->transform(CLI::CheckedTransformer(std::map<std::string, tuttiMoeLayout_t>{
          {"token", tuttiMoeLayoutToken}, {"expert", tuttiMoeLayoutExpert}}));
  app.add_option("--step-tokens", engine.step_tokens,
                 "tokens of a rank in a step and microbatch, at most")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4096}));
  app.add_option("--sequences", engine.sequences,
                 "requests that a rank has under way in a microbatch, at most")
      ->check(CLI::Range(std::size_t{1}, kMost));
}

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  options.model = MOE_ENGINE_MODEL;
  CLI::App app{
      "Serves a small Mixture-of-Experts language model: requests are spread over ranks, and so "
      "are "
      "the experts, which tokens visit by dispatch and combine.\n"
      "Starts local ranks, or joins the world of a launcher."};
  app.option_defaults()->always_capture_default();
  add_work(app, options);
  add_ranks(app, options);
  add_engine(app, options.engine);
  try {
    app.parse(argc, argv);
    options.ranks_given = app.count("--ranks") > 0;
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "moe_engine: %s (moe_engine --help lists the options)\n", error.what());
    std::exit(2);
  }
  return options;
}

}  // namespace moe_engine
