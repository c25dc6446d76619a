// Who is to blame, read from the library's sentence: the C API reports culprits in words.
#pragma once

#include <string_view>
#include <vector>

namespace tutti::perf {

// The ranks that an error message names before its local facts ("|"): "rank 3", "ranks 1, 2 and 5".
// Ascending, each once.
std::vector<int> named_ranks(std::string_view message);

}  // namespace tutti::perf
