#include "config.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace moe_layer {

Config parse(int argc, char** argv) {
  Config config;
  config.text = MOE_LAYER_TEXT;
  CLI::App app{
      "A Mixture-of-Experts layer: tokens are dispatched to the ranks that own their experts, run "
      "through them, and combined; the result is verified against a single-rank computation.\n"
      "Starts local ranks, or joins the world of tutti-run."};
  app.option_defaults()->always_capture_default();
  app.add_option("--ranks", config.ranks, "local ranks to start; tutti-run's -n otherwise")
      ->check(CLI::Range(1, 384));
  app.add_option("--tokens", config.tokens, "tokens per rank and step")
      ->check(CLI::Range(0, 65536));
  app.add_option("--hidden", config.hidden, "elements in a token's vector")
      ->check(CLI::Range(1, 65536));
  app.add_option("--experts", config.experts, "experts of all ranks together")
      ->check(CLI::Range(1, 65536));
  app.add_option("--topk", config.topk, "experts that a token visits")
      ->check(CLI::Range(1, TUTTI_MOE_MAX_TOPK));
  app.add_option("--width", config.width, "intermediate width of an expert")
      ->check(CLI::Range(1, 65536));
  app.add_option("--steps", config.steps, "timed steps, after one to warm up")
      ->check(CLI::Range(1, 100));
  app.add_option("--layout", config.layout, "what dispatch delivers: token or expert")
      ->transform(CLI::CheckedTransformer(std::map<std::string, tuttiMoeLayout_t>{
          {"token", tuttiMoeLayoutToken}, {"expert", tuttiMoeLayoutExpert}}));
  app.add_option("--text", config.text, "where the words come from")->check(CLI::ExistingFile);
  try {
    app.parse(argc, argv);
    if (config.topk > config.experts) {
      throw CLI::ValidationError("--topk", "a token cannot visit " + std::to_string(config.topk) +
                                               " of " + std::to_string(config.experts) +
                                               " experts");
    }
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "moe_layer: %s (moe_layer --help lists the options)\n", error.what());
    std::exit(2);
  }
  return config;
}

}  // namespace moe_layer
