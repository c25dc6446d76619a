// Which processors ranks may use, and how much of their time.
#pragma once

#include <bitset>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace tutti {

inline constexpr std::size_t kMostProcessors = 1024;  // those beyond are left out
// By the operating system's numbers.
using ProcessorSet = std::bitset<kMostProcessors>;

// The numbers in a list as the kernel writes it: 0, 1, 2, 3 and 8 for "0-3,8". Nothing for what is
// no such list.
std::optional<ProcessorSet> parse_processors(std::string_view list);

// What a rank may use. Plain bytes, which ranks send each other.
struct ProcessorShare {
  ProcessorSet allowed;
  // Processors' worth of time that its control groups leave it.
  double quota = std::numeric_limits<double>::infinity();
};

// The calling thread's.
ProcessorShare processor_share();

// How many of these ranks, all of one host, can run at once: as many as there are processors that
// any of them may use, or fewer where the largest quota (which ranks of one container share) gives
// less time than that, rounded down. At least 1.
int processors_together(std::span<const ProcessorShare> shares);

}  // namespace tutti
