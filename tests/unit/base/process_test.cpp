#include "base/process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace tutti {
namespace {

struct Seen {
  int generation;
  ProcessToken token;
};

Seen seen_by_child() {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Seen seen{process_generation(), process_token()};
    _exit(write(ends[1], &seen, sizeof(seen)) == sizeof(seen) ? 0 : 1);
  }
  Seen seen{};
  EXPECT_EQ(read(ends[0], &seen, sizeof(seen)), static_cast<ssize_t>(sizeof(seen)));
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(ends[0]);
  close(ends[1]);
  return seen;
}

TEST(Process, AForkedChildHasAnotherGenerationAndToken) {
  const int generation = process_generation();
  const ProcessToken token = process_token();
  const Seen first = seen_by_child();
  const Seen second = seen_by_child();
  EXPECT_NE(first.generation, generation);
  EXPECT_NE(first.token, token);
  EXPECT_NE(first.token, second.token);
  EXPECT_EQ(process_generation(), generation);
  EXPECT_EQ(process_token(), token);
}

TEST(Process, ThreadsShareTheToken) {
  ProcessToken seen;
  std::thread([&] { seen = process_token(); }).join();
  EXPECT_EQ(seen, process_token());
  EXPECT_NE(seen, ProcessToken{});
}

}  // namespace
}  // namespace tutti
