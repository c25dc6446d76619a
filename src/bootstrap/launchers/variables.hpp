// Variables that launchers set, with errors that name them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tutti/transport.hpp>

namespace tutti {

// Whether all of them are set, and not empty.
bool all_set(std::initializer_list<const char*> names);

// tuttiInvalidUsage, "torchrun: the environment variable RANK is not set".
std::string require_variable(std::string_view launcher, const char* name);

// A number within [least, most]; tuttiInvalidUsage quoting variable and value where it is not.
int require_number(std::string_view launcher, const char* name, int least, int most);
// nullopt where the variable is not set.
std::optional<int> number_if_set(const char* name, int least, int most);

struct RankAndSize {
  Rank rank = 0;
  int ranks = 1;
};
// The number of ranks, and which of them: the rank is less than that.
RankAndSize require_rank(std::string_view launcher, const char* rank, const char* ranks);

// "RANK=1, WORLD_SIZE=4": those that are set.
std::string quote_variables(std::initializer_list<const char*> names);

}  // namespace tutti
