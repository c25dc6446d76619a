// Fills buffers with data that encode (rank, index) and counts what came back wrong, against a
// serial computation of our own.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "perf/tutti_perf/operation.hpp"

namespace tutti::perf {

// This rank's input.
void fill_input(const Case& c, std::uint64_t seed, std::byte* send);

// What a reduction must give, element by element, for ranks that check theirs on one thread: each
// value is computed once, not once a rank. Of one reduction at a time; another one starts anew.
class ReducedValues {
 public:
  // `compute()` for element `index` of c's inputs, T being double or std::int64_t.
  template <class T, class Compute>
  T get(const Case& c, std::uint64_t seed, std::size_t index, Compute&& compute) {
    const Key key{seed, c.type, c.redop, c.ranks};
    if (key != key_) {
      key_ = key;
      known_.clear();
      values_.clear();
    }
    if (index >= known_.size()) {
      known_.resize(index + 1);
      values_.resize(index + 1);
    }
    if (!known_[index]) {
      values_[index] = std::bit_cast<std::uint64_t>(static_cast<T>(compute()));
      known_[index] = true;
    }
    return std::bit_cast<T>(values_[index]);
  }

 private:
  struct Key {
    std::uint64_t seed = 0;
    tuttiDataType_t type{};
    tuttiRedOp_t redop{};
    int ranks = 0;
    bool operator==(const Key&) const = default;
  };
  Key key_;
  std::vector<bool> known_;
  std::vector<std::uint64_t> values_;
};

// Elements of this rank's result that are not what they must be: bit-exact for moved data, exact
// for integers and for floating sums, products, minima and maxima (of small whole numbers), within
// one spacing for floating averages.
std::size_t count_wrong(const Case& c, std::uint64_t seed, const std::byte* recv,
                        ReducedValues* shared = nullptr);

}  // namespace tutti::perf
