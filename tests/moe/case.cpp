#include "case.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <ostream>
#include <random>

#include "tests/support/scale.hpp"

namespace tutti::test {
namespace {

constexpr int kTopK[] = {1, 2, 6, 8, 22, 64};
constexpr int kHidden[] = {1, 64, 2880, 7168};
constexpr int kRanks[] = {1, 2, 3, 5, 8, kSanitized ? 7 : 24};
constexpr int kExperts[] = {3, 64, 257};  // raised to top-k where that is more
constexpr int kAlign[] = {1, 8, 128};
constexpr int kSideBytes[] = {0, 4, 13};
constexpr int kBiases[] = {0, 1, 3};

// The number of values of each field, and what a choice of values means.
constexpr std::array<int, 18> kSizes = {2, 2, 3, 6, 4, 6, 3, 6, 4, 3, 3, 3, 4, 2, 2, 2, 2, 2};
using Choice = std::array<int, kSizes.size()>;

Case case_of(const Choice& v) {
  Case c;
  c.layout = static_cast<tuttiMoeLayout_t>(v[0]);
  c.rows_per = static_cast<tuttiMoeRowsPer_t>(v[1]);
  c.align = kAlign[v[2]];
  c.topk = kTopK[v[3]];
  c.hidden = kHidden[v[4]];
  c.ranks = kRanks[v[5]];
  c.experts = std::max(kExperts[v[6]], c.topk);
  c.routing = static_cast<Routing>(v[7]);
  c.type = static_cast<RowType>(v[8]);
  c.side_bytes = kSideBytes[v[9]];
  c.biases = kBiases[v[10]];
  c.input = static_cast<Memory>(v[11]);
  c.in_place = v[12] == 3 && c.type != RowType::kBytes;
  c.results = v[12] == 3 ? Memory::kPlain : static_cast<Memory>(v[12]);
  c.caller_output = v[13] == 1;
  c.padded_stride = v[14] == 1;
  c.wide_ids = v[15] == 1;
  c.no_weights = v[16] == 1;
  c.scattered = v[17] == 1;
  // Groups of 128 long rows on many ranks are gigabytes of padding and show what short rows show
  // too.
  if (c.align == 128) c.hidden = std::min(c.hidden, c.ranks * c.topk <= 16 ? 2880 : 64);
  return c;
}

// The pairs of values that no choice has yet: value i in field a and j in field b, a < b.
class Pairs {
 public:
  static constexpr int kMost = 8;

  Pairs() {
    for (std::size_t a = 0; a < kSizes.size(); ++a) {
      for (std::size_t b = a + 1; b < kSizes.size(); ++b) {
        for (int i = 0; i < kSizes[a]; ++i) {
          for (int j = 0; j < kSizes[b]; ++j) at(a, i, b, j) = true;
        }
      }
    }
  }

  bool& at(std::size_t a, int i, std::size_t b, int j) {
    if (a > b) return at(b, j, a, i);
    return open_[a][b][static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  }

  // Some pair that is still open, as a choice with -1 elsewhere.
  std::optional<Choice> next_open() {
    Choice choice;
    choice.fill(-1);
    for (std::size_t a = 0; a < kSizes.size(); ++a) {
      for (std::size_t b = a + 1; b < kSizes.size(); ++b) {
        for (int i = 0; i < kSizes[a]; ++i) {
          for (int j = 0; j < kSizes[b]; ++j) {
            if (!at(a, i, b, j)) continue;
            choice[a] = i;
            choice[b] = j;
            return choice;
          }
        }
      }
    }
    return std::nullopt;
  }

  int gain(const Choice& choice, std::size_t field, int value) {
    int gain = 0;
    for (std::size_t other = 0; other < kSizes.size(); ++other) {
      if (other != field && choice[other] >= 0) gain += at(field, value, other, choice[other]);
    }
    return gain;
  }

  void close(const Choice& choice) {
    for (std::size_t a = 0; a < kSizes.size(); ++a) {
      for (std::size_t b = a + 1; b < kSizes.size(); ++b) at(a, choice[a], b, choice[b]) = false;
    }
  }

 private:
  bool open_[kSizes.size()][kSizes.size()][kMost][kMost] = {};
};

}  // namespace

std::vector<Case> pairwise_cases() {
  std::mt19937 random(20);
  Pairs pairs;
  std::vector<Case> cases;
  while (const auto open = pairs.next_open()) {
    Choice choice = *open;
    // Fill the other fields, each with a value that closes most open pairs.
    std::array<std::size_t, kSizes.size()> order;
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t field : order) {
      if (choice[field] >= 0) continue;
      const int start = static_cast<int>(random() % static_cast<unsigned>(kSizes[field]));
      int best = start, most = -1;
      for (int i = 0; i < kSizes[field]; ++i) {
        const int value = (start + i) % kSizes[field];
        const int gain = pairs.gain(choice, field, value);
        if (gain > most) best = value, most = gain;
      }
      choice[field] = best;
    }
    pairs.close(choice);
    cases.push_back(case_of(choice));
  }
  return cases;
}

std::size_t Case::row_bytes() const {
  const auto elements = static_cast<std::size_t>(hidden);
  switch (type) {
    case RowType::kBytes:
      return elements + 3;  // odd lengths, and places that no type is aligned to
    case RowType::kFp32:
      return elements * 4;
    case RowType::kBf16:
    case RowType::kFp16:
      break;
  }
  return elements * 2;
}

tuttiDataType_t Case::result_type() const {
  if (type == RowType::kFp32) return tuttiFloat32;
  return type == RowType::kFp16 ? tuttiFloat16 : tuttiBfloat16;
}

std::size_t Case::result_bytes() const {
  return static_cast<std::size_t>(hidden) * (type == RowType::kFp32 ? 4 : 2);
}

int Case::max_tokens() const {
  constexpr std::size_t kMoved = 6u << 20;   // bytes that all ranks receive in a step
  constexpr std::size_t kSafe = 128u << 20;  // bytes that all ranks together must be ready for
  const auto r = static_cast<std::size_t>(ranks);
  const std::size_t moved = r * static_cast<std::size_t>(topk) * result_bytes();
  return static_cast<int>(std::clamp<std::size_t>(std::min(kMoved, kSafe / r) / moved, 1, 12));
}

std::ostream& operator<<(std::ostream& out, const Case& c) {
  constexpr const char* kRouting[] = {"uniform", "zipf", "one hot", "none", "some idle", "ragged"};
  constexpr const char* kMemory[] = {"heap", "buffer", "plain"};
  constexpr const char* kType[] = {"bf16", "fp16", "fp32", "bytes"};
  out << (c.layout == tuttiMoeLayoutExpert ? "EXPERT" : "TOKEN") << ", rows per "
      << (c.rows_per == tuttiMoeRowsPerLane ? "lane" : "rank") << ", align " << c.align << ", top-"
      << c.topk << ", hidden " << c.hidden << " " << kType[static_cast<int>(c.type)] << ", "
      << c.experts << (c.scattered ? " scattered" : "") << " experts on " << c.ranks << " ranks, "
      << kRouting[static_cast<int>(c.routing)] << ", side " << c.side_bytes << ", " << c.biases
      << " biases, input " << kMemory[static_cast<int>(c.input)] << ", results "
      << (c.in_place ? "in place" : kMemory[static_cast<int>(c.results)])
      << (c.caller_output ? ", caller's output" : "") << (c.padded_stride ? ", padded stride" : "")
      << (c.wide_ids ? ", int64" : "") << (c.no_weights ? ", no weights" : "");
  return out;
}

}  // namespace tutti::test
