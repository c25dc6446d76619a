// Logits of the engine on ranks that are threads: the same bits on every number of ranks with
// EXPERT, and no more than a tolerance away with other layouts.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "examples/moe_engine/engine/engine.hpp"

namespace moe_engine::test {
namespace {

// Of logits: what other orders of adding floats may change. Here it is 1e-5.
constexpr float kTolerance = 1e-4f;

using AllLogits = std::map<std::size_t, std::vector<float>>;  // by request

std::vector<Request> requests() {
  std::vector<Request> all;
  for (const char* prompt : {"In the beginning ", "And it came to pass, ", "B", "The king of "}) {
    all.push_back({.prompt = prompt, .new_tokens = 4 + 3 * all.size(), .next = {}, .expected = {}});
  }
  all.push_back({.prompt = "Blessed", .new_tokens = 0, .next = "lessed ", .expected = {}});
  return all;
}

// What rank `rank` has to do with request i: it serves every ranks-th.
void serve(const Model& model, const std::vector<Request>& all, const EngineOptions& options,
           tutti::Communicator& comm, AllLogits& logits) {
  const auto rank = static_cast<std::size_t>(comm.rank());
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<const Request*> mine;
  for (std::size_t i = rank; i < all.size(); i += ranks) mine.push_back(&all[i]);
  Schedule schedule(mine, model.config(), {options.step_tokens, options.sequences},
                    [&](std::size_t i, std::span<const float> of_token) {
                      auto& values = logits[rank + i * ranks];
                      values.insert(values.end(), of_token.begin(), of_token.end());
                    });
  Engine(model, options, comm).serve(schedule);
}

AllLogits logits_of(const Model& model, int ranks, const EngineOptions& options) {
  const std::vector<Request> all = requests();
  std::vector<tutti::Communicator> comms = tutti::Communicator::all(ranks);
  std::vector<AllLogits> parts(comms.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < comms.size(); ++r) {
      threads.emplace_back([&, r] { serve(model, all, options, comms[r], parts[r]); });
    }
  }
  AllLogits logits;
  for (AllLogits& part : parts) logits.merge(part);
  EXPECT_EQ(logits.size(), all.size());
  return logits;
}

TEST(Engine, LogitsAreTheSameBitsOnEveryNumberOfRanks) {
  const Model model(MODEL);
  const AllLogits alone = logits_of(model, 1, {});
  EXPECT_EQ(logits_of(model, 2, {}), alone);
  EXPECT_EQ(logits_of(model, 7, {}), alone);  // two of which have no requests
  EngineOptions small;
  small.step_tokens = 3;
  small.sequences = 1;
  EXPECT_EQ(logits_of(model, 3, small), alone);
}

TEST(Engine, OtherLayoutsAgreeWithinATolerance) {
  const Model model(MODEL);
  const AllLogits want = logits_of(model, 1, {});
  EngineOptions options;
  options.layout = tuttiMoeLayoutToken;
  float most = 0;
  for (const auto& [request, logits] : logits_of(model, 3, options)) {
    ASSERT_EQ(logits.size(), want.at(request).size()) << request;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      most = std::max(most, std::abs(logits[i] - want.at(request)[i]));
    }
  }
  EXPECT_LE(most, kTolerance);
  RecordProperty("largest_difference", std::to_string(most));
}

}  // namespace
}  // namespace moe_engine::test
