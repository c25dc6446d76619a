// Runs a check once for every instruction set that was compiled and that this machine has.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "kernels/targets.hpp"

namespace tutti::kernels {

template <class Check>
void on_each_target(const Check& check) {
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
  check();  // one target, chosen when it was compiled
#else
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    if (testing::Test::HasFailure()) return;
  }
#endif
}

}  // namespace tutti::kernels
