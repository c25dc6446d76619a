// One point of the product of everything a MoE step can vary in, and a thin set of points that
// still meets every pair of values.
#pragma once

#include <tutti/moe.h>

#include <iosfwd>
#include <vector>

namespace tutti::test {

enum class Routing { kUniform, kZipf, kOneHot, kNone, kSomeIdle, kRagged };
enum class Memory { kHeap, kBuffer, kPlain };  // tuttiMemAlloc, tuttiMoeBuffer, malloc
enum class RowType { kBf16, kFp16, kFp32, kBytes };

struct Case {
  tuttiMoeLayout_t layout = tuttiMoeLayoutToken;
  tuttiMoeRowsPer_t rows_per = tuttiMoeRowsPerRank;
  int align = 1;
  int topk = 2;
  int hidden = 64;
  int ranks = 2;
  int experts = 8;
  Routing routing = Routing::kUniform;
  RowType type = RowType::kBf16;
  int side_bytes = 0;
  int biases = 0;
  Memory input = Memory::kPlain;
  Memory results = Memory::kPlain;  // where combine's rows lie, unless in_place
  bool in_place = false;            // combine's rows are dispatch's output
  bool caller_output = false;       // else dispatch's output is the library's
  bool padded_stride = false;       // rows are further apart than they are long
  bool wide_ids = false;            // int64
  bool no_weights = false;          // topk_weights is NULL
  bool scattered = false;           // expert_to_rank is given, not contiguous

  std::size_t row_bytes() const;        // of dispatch
  tuttiDataType_t result_type() const;  // of combine; bf16 for opaque rows
  std::size_t result_bytes() const;
  // What a rank sends in a step at most: small where rows or lanes are many.
  int max_tokens() const;
};

std::ostream& operator<<(std::ostream& out, const Case& c);

// Every pair of values of two fields occurs in some case. The same list on every run.
std::vector<Case> pairwise_cases();

}  // namespace tutti::test
