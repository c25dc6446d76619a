#include "base/context.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace tutti {
namespace {

TEST(Context, EveryThreadHasItsOwn) {
  current_context().log_rank = 3;
  int seen = 0;
  std::thread([&] { seen = current_context().log_rank; }).join();
  EXPECT_EQ(seen, -1);
  EXPECT_EQ(current_context().log_rank, 3);
  current_context().log_rank = -1;
}

TEST(Context, AFibreSchedulerSwapsItWhole) {
  ThreadContext fibre;
  fibre.log_rank = 7;
  EXPECT_EQ(exchange_context(&fibre), nullptr);
  EXPECT_EQ(current_context().log_rank, 7);
  current_context().set_last_error("of the fibre");
  EXPECT_EQ(exchange_context(nullptr), &fibre);
  EXPECT_EQ(current_context().log_rank, -1);
  EXPECT_STREQ(current_context().last_error, "");
  EXPECT_STREQ(fibre.last_error, "of the fibre");
}

TEST(Context, ALongErrorTextIsCutNotOverrun) {
  ThreadContext context;
  context.set_last_error(std::string(5000, 'x'));
  EXPECT_EQ(std::string(context.last_error), std::string(ThreadContext::kErrorBytes - 1, 'x'));
  context.set_last_error("short");
  EXPECT_STREQ(context.last_error, "short");
}

}  // namespace
}  // namespace tutti
