// reduce() against the serial reference: every type, operator, number of sources and kind of
// aliasing, on every instruction set.
#include "kernels/reduce.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "each_target.hpp"
#include "reference.hpp"

namespace tutti::kernels {
namespace {

constexpr std::byte kGuard{0xa5};
constexpr std::size_t kGuardBytes = 64;

// A buffer with guards around it, one element off the alignment that vectors like.
class Guarded {
 public:
  Guarded(const std::vector<std::byte>& content, std::size_t element)
      : start_(kGuardBytes + element), size_(content.size()) {
    memory_.assign(start_ + size_ + kGuardBytes, kGuard);
    std::copy(content.begin(), content.end(), memory_.begin() + static_cast<long>(start_));
  }
  std::byte* data() { return memory_.data() + start_; }
  void expect(const std::vector<std::byte>& wanted, const std::string& what) const {
    std::vector<std::byte> all(start_, kGuard);
    all.insert(all.end(), wanted.begin(), wanted.end());
    all.insert(all.end(), kGuardBytes, kGuard);
    if (memory_ == all) return;
    std::size_t at = 0;
    while (memory_[at] == all[at]) ++at;
    FAIL() << what << ": byte " << static_cast<long>(at) - static_cast<long>(start_) << " of "
           << size_ << " is " << static_cast<int>(memory_[at]) << ", not "
           << static_cast<int>(all[at]);
  }

 private:
  std::size_t start_;
  std::size_t size_;
  std::vector<std::byte> memory_;
};

// Where results go: `fresh` new buffers, and the sources listed.
struct Aliasing {
  const char* name;
  std::size_t fresh;
  bool first_source;
  bool last_source;
};
constexpr Aliasing kAliasings[] = {{"one fresh", 1, false, false},
                                   {"in place of the first source", 0, true, false},
                                   {"in place of the last source, and fresh", 1, false, true},
                                   {"in place of both ends, and two fresh", 2, true, true}};

class Reduce : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  tuttiDataType_t type() const { return static_cast<tuttiDataType_t>(std::get<0>(GetParam())); }
  tuttiRedOp_t op() const { return static_cast<tuttiRedOp_t>(std::get<1>(GetParam())); }

  void check(const std::vector<std::vector<std::byte>>& contents, std::size_t count, int divisor,
             const Aliasing& aliasing) {
    const std::size_t size = size_of(type());
    std::vector<Guarded> sources;
    std::vector<const std::byte*> source_pointers;
    std::vector<const std::byte*> original;
    sources.reserve(contents.size());
    source_pointers.reserve(contents.size());
    original.reserve(contents.size());
    for (const auto& content : contents) {
      sources.emplace_back(content, size);
      original.push_back(content.data());
    }
    for (Guarded& source : sources) source_pointers.push_back(source.data());
    const auto wanted = reference_reduce(type(), op(), divisor, original, count);

    std::vector<Guarded> fresh(aliasing.fresh, Guarded(std::vector<std::byte>(count * size), size));
    std::vector<std::byte*> destinations;
    const bool both_ends = aliasing.last_source && (sources.size() > 1 || !aliasing.first_source);
    if (aliasing.first_source) destinations.push_back(sources.front().data());
    for (Guarded& buffer : fresh) destinations.push_back(buffer.data());
    if (both_ends) destinations.push_back(sources.back().data());
    reduce({type(), op(), divisor}, destinations, source_pointers, count);

    for (const Guarded& buffer : fresh) buffer.expect(wanted, "a fresh destination");
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const bool written =
          (s == 0 && aliasing.first_source) || (s + 1 == sources.size() && aliasing.last_source);
      sources[s].expect(written ? wanted : contents[s], "source " + std::to_string(s));
    }
  }

  void check_all(std::size_t source_count, std::size_t count, Inputs inputs) {
    std::mt19937_64 random(source_count * 1000 + count);
    std::vector<std::vector<std::byte>> contents;
    for (std::size_t s = 0; s < source_count; ++s) {
      contents.push_back(input_buffer(type(), count, inputs, random));
    }
    for (const Aliasing& aliasing : kAliasings) {
      SCOPED_TRACE(std::string(aliasing.name) + ", " + std::to_string(source_count) + " sources, " +
                   std::to_string(count) + " elements");
      check(contents, count, static_cast<int>(source_count), aliasing);
      if (HasFatalFailure()) return;
    }
  }
};

TEST_P(Reduce, IsTheSerialFoldOfOrdinaryValues) {
  on_each_target([&] {
    for (const std::size_t sources : {1u, 2u, 3u, 4u, 8u, 17u}) {
      for (const std::size_t count : {0u, 1u, 7u, 64u, 1031u}) {
        check_all(sources, count, Inputs::ordinary);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST_P(Reduce, IsTheSerialFoldOfAnyBits) {
  on_each_target([&] {
    for (const std::size_t sources : {1u, 2u, 3u, 4u, 8u, 17u}) {
      for (const std::size_t count : {1u, 33u, 1031u}) {
        check_all(sources, count, Inputs::any_bits);
        if (HasFatalFailure()) return;
      }
    }
  });
}

TEST_P(Reduce, TakesAThousandSources) {
  on_each_target([&] { check_all(1024, 37, Inputs::ordinary); });
}

std::string reduction_name(const testing::TestParamInfo<std::tuple<int, int>>& instance) {
  const auto [type, op] = instance.param;
  return std::string(name_of(static_cast<tuttiDataType_t>(type))) + "_" +
         name_of(static_cast<tuttiRedOp_t>(op));
}

INSTANTIATE_TEST_SUITE_P(EveryTypeAndOperator, Reduce,
                         testing::Combine(testing::Range(0, static_cast<int>(tuttiNumTypes)),
                                          testing::Range(0, static_cast<int>(tuttiNumOps))),
                         reduction_name);

TEST(ReduceLarge, FloatSumOfTwoIntoTwoIsExactEverywhere) {
  constexpr std::size_t kCount = 100003;
  std::vector<float> a(kCount), b(kCount), sum(kCount), x(kCount), y(kCount);
  std::mt19937 random(7);
  for (std::size_t i = 0; i < kCount; ++i) {
    a[i] = static_cast<float>(random()) / 7;
    b[i] = static_cast<float>(random()) / 3;
    sum[i] = a[i] + b[i];
  }
  const auto bytes_of = [](std::vector<float>& v) {
    return reinterpret_cast<std::byte*>(v.data());
  };
  const std::byte* const sources[] = {bytes_of(a), bytes_of(b)};
  std::byte* const destinations[] = {bytes_of(x), bytes_of(y)};
  on_each_target([&] {
    std::fill(x.begin(), x.end(), 0.0f);
    std::fill(y.begin(), y.end(), 0.0f);
    reduce({tuttiFloat32, tuttiSum}, destinations, sources, kCount);
    EXPECT_EQ(x, sum);
    EXPECT_EQ(y, sum);
  });
}

}  // namespace
}  // namespace tutti::kernels
