#include "diagnose/operation_text.hpp"

#include <gtest/gtest.h>

namespace tutti {
namespace {

TEST(OperationText, NamesKindAndArguments) {
  EXPECT_EQ(
      operation_text({.kind = "AllReduce", .count = 12, .type = tuttiFloat32, .op = tuttiSum}),
      "AllReduce(count=12, float, sum)");
  EXPECT_EQ(operation_text({.kind = "Broadcast", .count = 0, .type = tuttiInt8, .root = 3}),
            "Broadcast(count=0, int8, root 3)");
}

TEST(OperationText, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(operation_text({.kind = "Barrier"}), "Barrier");
  EXPECT_EQ(operation_text({.kind = "Gather", .root = 0}), "Gather(root 0)");
}

TEST(OperationText, AUserMadeOperatorIsNamedByItsKind) {
  const auto made = static_cast<tuttiRedOp_t>(tuttiNumOps + 4);
  EXPECT_EQ(operation_text({.kind = "Reduce", .op = made}), "Reduce(premulsum)");
}

}  // namespace
}  // namespace tutti
