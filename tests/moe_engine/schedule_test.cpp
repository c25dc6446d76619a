// Which tokens a step has, and when requests begin and end.
#include "examples/moe_engine/serving/schedule.hpp"

#include <gtest/gtest.h>

#include "examples/moe_engine/serving/sampler.hpp"

namespace moe_engine::test {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.vocab = 256;
  config.dim = 2;
  config.layers = config.heads = 1;
  config.context = 8;
  return config;
}

// A model that answers every token with 'x'.
class Steps {
 public:
  Steps(const std::vector<Request>& requests, const Schedule::Limits& limits) {
    for (const Request& request : requests) pointers_.push_back(&request);
    schedule_.emplace(pointers_, config_, limits);
  }

  // Tokens of both halves in the next step.
  std::pair<std::size_t, std::size_t> next() {
    const Schedule::Batches batches{&tokens_[0], &tokens_[1]};
    schedule_->fill(batches);
    std::vector<float> logits(std::size_t{64} * 256);
    for (std::size_t row = 0; row < 64; ++row) logits[row * 256 + 'x'] = 1;
    schedule_->take(batches, {logits, logits});
    return {tokens_[0].size(), tokens_[1].size()};
  }

  const Schedule& schedule() const { return *schedule_; }

 private:
  ModelConfig config_ = small_config();
  std::vector<const Request*> pointers_;
  std::optional<Schedule> schedule_;
  std::vector<Token> tokens_[2];
};

Request writing(const char* prompt, std::size_t tokens) {
  return {.prompt = prompt, .new_tokens = tokens, .next = {}, .expected = {}};
}

using Sizes = std::pair<std::size_t, std::size_t>;

TEST(Schedule, ReadsAPromptInPiecesAndThenByteByByte) {
  const std::vector<Request> requests{writing("abcdef", 3)};
  Steps steps(requests, {.step_tokens = 4, .sequences = 1});
  EXPECT_EQ(steps.next(), Sizes(4, 0));
  EXPECT_EQ(steps.next(), Sizes(2, 0));
  EXPECT_EQ(steps.next(), Sizes(1, 0));
  EXPECT_EQ(steps.next(), Sizes(1, 0));
  EXPECT_EQ(steps.next(), Sizes(0, 0));
  EXPECT_EQ(steps.schedule().texts()[0], "xxx");
  EXPECT_EQ(steps.schedule().outcomes()[0].written, 3u);
}

TEST(Schedule, EndsWhereTheContextIsFull) {
  const std::vector<Request> requests{writing("abcdefg", 100), writing("abcdefgh", 100)};
  Steps steps(requests, {.step_tokens = 8, .sequences = 1});
  while (steps.next() != Sizes(0, 0)) {
  }
  EXPECT_EQ(steps.schedule().texts()[0], "xx");
  EXPECT_EQ(steps.schedule().texts()[1], "x");
}

TEST(Schedule, BeginsARequestWhereOneHasEnded) {
  const std::vector<Request> requests{writing("a", 1), writing("ab", 2), writing("abc", 1)};
  Steps steps(requests, {.step_tokens = 8, .sequences = 1});
  EXPECT_EQ(steps.next(), Sizes(1, 2));
  EXPECT_EQ(steps.next(), Sizes(3, 1));
  EXPECT_EQ(steps.next(), Sizes(0, 0));
  EXPECT_EQ(steps.schedule().texts(), (std::vector<std::string>{"x", "xx", "x"}));
}

TEST(Schedule, SharesTheRoomOfAStep) {
  const std::vector<Request> requests{writing("abcde", 1), writing("a", 1), writing("abc", 1)};
  Steps steps(requests, {.step_tokens = 6, .sequences = 2});
  EXPECT_EQ(steps.next(), Sizes(6, 1));
  EXPECT_EQ(steps.next(), Sizes(2, 0));
  EXPECT_EQ(steps.next(), Sizes(0, 0));
  EXPECT_EQ(steps.schedule().texts()[2], "x");
}

TEST(Schedule, ScoresEveryByteOfAnEvaluation) {
  const std::vector<Request> requests{
      {.prompt = "abcd", .new_tokens = 0, .next = "xxxy", .expected = {}}};
  std::vector<float> of_x(256);
  of_x['x'] = 1;
  Steps steps(requests, {.step_tokens = 3, .sequences = 1});
  EXPECT_EQ(steps.next(), Sizes(3, 0));
  EXPECT_EQ(steps.next(), Sizes(1, 0));
  EXPECT_EQ(steps.next(), Sizes(0, 0));
  EXPECT_NEAR(steps.schedule().outcomes()[0].bits, 3 * bits_of(of_x, 'x') + bits_of(of_x, 'y'),
              1e-12);
  EXPECT_EQ(steps.schedule().texts()[0], "");
}

TEST(Sampler, TakesTheFirstOfEqualBytes) {
  std::vector<float> logits(256, -1.0f);
  logits[7] = logits[9] = 2.0f;
  EXPECT_EQ(greedy(logits), 7);
  EXPECT_NEAR(bits_of(std::vector<float>(256), 3), 8.0, 1e-12);
}

}  // namespace
}  // namespace moe_engine::test
