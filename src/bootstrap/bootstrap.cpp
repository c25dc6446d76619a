// What every way to meet checks.
#include "bootstrap/bootstrap.hpp"

#include "base/error.hpp"

namespace tutti {

void check_all_gather(const Bootstrap& bootstrap, std::span<const std::byte> mine,
                      std::span<const std::byte> all) {
  const auto ranks = static_cast<std::size_t>(bootstrap.ranks());
  if (all.size() / ranks != mine.size() || all.size() % ranks != 0) {
    fail(tuttiInvalidArgument, "an all-gather of {} bytes from each of {} ranks into {} bytes",
         mine.size(), ranks, all.size());
  }
}

Key Bootstrap::key() {
  const Key mine = rank() == 0 ? random_key() : Key{};
  return all_gather_value(*this, mine).front();
}

}  // namespace tutti
