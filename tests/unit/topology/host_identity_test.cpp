#include "topology/host_identity.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "tests/unit/base/scoped_variable.hpp"

namespace tutti {
namespace {

constexpr const char* kVariable = "TUTTI_HOST_ID";

TEST(HostIdentity, IsTheSameInEveryProcessOfTheHost) {
  const ScopedVariable unset(kVariable, nullptr);
  const HostIdentity here = host_identity();
  EXPECT_EQ(host_identity(), here);
  EXPECT_NE(here, HostIdentity{});
  const pid_t child = fork();
  if (child == 0) _exit(host_identity() == here ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HostIdentity, TheVariableMakesSeveralHostsOfOne) {
  std::set<HostIdentity> seen{host_identity()};
  for (const char* name : {"a", "b", "host-1", "host-2"}) {
    const ScopedVariable variable(kVariable, name);
    EXPECT_EQ(host_identity(), host_identity());
    EXPECT_TRUE(seen.insert(host_identity()).second) << name;
  }
}

TEST(HostIdentity, AnotherNetworkNamespaceIsAnotherHost) {
  const ScopedVariable unset(kVariable, nullptr);
  const HostIdentity here = host_identity();
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(2);
    _exit(host_identity() != here ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no permission to make a namespace";
  EXPECT_EQ(status, 0);
}

TEST(HostIdentity, IsShownAsHexadecimalDigits) {
  EXPECT_EQ(to_string(HostIdentity{.high = 0x1f, .low = ~std::uint64_t{0}}),
            "000000000000001fffffffffffffffff");
}

}  // namespace
}  // namespace tutti
