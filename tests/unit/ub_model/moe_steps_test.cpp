// Dispatch and combine, by the steps of published operators, against published times: the points
// that profiles are calibrated on whose operators do otherwise than the library's.
#include "moe_steps.hpp"

#include <gtest/gtest.h>

#include "transports/ub/model/profile.hpp"
#include "tutti/error.hpp"

namespace tutti::calibration::test {

namespace {

double us(const StepTimes& times) {
  return static_cast<double>(times.steps.back().mean.count()) / 1e6;
}
double us(ub::Decimal value) {
  return static_cast<double>(value.units()) / static_cast<double>(ub::Decimal::kScale);
}

void expect_within(double percent, const char* fabric, MoeWorkload work) {
  const ub::Profile profile = ub::load_profile(fabric);
  ASSERT_FALSE(profile.calibration.points.empty());
  for (const ub::CalibrationPoint& point : profile.calibration.points) {
    SCOPED_TRACE(testing::Message()
                 << fabric << ", " << point.ranks << " ranks, " << point.tokens << " tokens");
    work.ranks = point.ranks;
    work.tokens = point.tokens;
    const MoeTimes times = moe_times(profile, work);
    const double dispatch = us(point.dispatch_us);
    const double combine = us(point.combine_us);
    EXPECT_NEAR(us(times.dispatch), dispatch, percent / 100 * dispatch);
    EXPECT_NEAR(us(times.combine), combine, percent / 100 * combine);
  }
}

}  // namespace

TEST(MoeSteps, H800IsWithinFifteenPercent) {
  expect_within(15, "h800-ib", {.dispatch_row_bytes = 7392, .quantises = true});
}

TEST(MoeSteps, Nvl72IsWithinFifteenPercent) {
  expect_within(15, "gb200-nvl72", {.copies_out = false, .returns_by_token = true});
}

// Steps follow each other, and all ranks have about as much to do.
TEST(MoeSteps, StepsEndInOrder) {
  const MoeTimes times = moe_times(ub::load_profile("cloudmatrix384"), {.ranks = 48});
  for (const StepTimes* operation : {&times.dispatch, &times.combine}) {
    for (std::size_t i = 0; i < operation->steps.size(); ++i) {
      const StepTimes::Step& step = operation->steps[i];
      EXPECT_LE(step.mean, step.latest) << step.name;
      EXPECT_LT(step.latest, step.mean * 3 / 2) << step.name;
      if (i == 0) continue;
      EXPECT_GE(step.mean, operation->steps[i - 1].mean) << step.name;
    }
  }
}

TEST(MoeSteps, WithoutSoftwareCostsThereIsNothingToCalibrate) {
  try {
    moe_times(ub::load_profile("cloudmatrix384-wire"), {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "cloudmatrix384-wire.json: without 'software' there is nothing to calibrate");
  }
}

}  // namespace tutti::calibration::test
