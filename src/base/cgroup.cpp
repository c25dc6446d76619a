// Files that are absent are skipped: which of them exist depends on version, container and mounts.
#include "base/cgroup.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace tutti {
namespace {

// A number, or nothing for "max" and for a file that is not there.
std::optional<std::int64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

std::int64_t read_statistic(const std::string& path, const std::string& wanted) {
  std::ifstream file(path);
  std::string name;
  std::int64_t number = 0;
  while (file >> name >> number)
    if (name == wanted) return number;
  return 0;
}

template <typename Number>
void keep_smaller(std::optional<Number>& least, Number candidate) {
  if (!least || candidate < *least) least = candidate;
}

bool names(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string word; std::getline(list, word, ',');)
    if (word == wanted) return true;
  return false;
}

}  // namespace

// Visits (directory, is_v2) from this process's group up to the root of each hierarchy that may
// limit `controller`. A line of the membership file is "number:controllers:path"; v2 has number 0
// and none.
template <typename Visit>
void Cgroups::for_each_directory(const char* controller, const Visit& visit) const {
  std::ifstream file(membership_);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !names(controllers, controller)) continue;
    std::string path = line.substr(second + 1);
    for (bool root = false; !root;) {
      root = path.empty() || path == "/";
      const std::string below = root ? "" : path;
      if (v2) {
        visit(mount_ + below, true);
        visit(mount_ + "/unified" + below, true);
      } else {
        visit(mount_ + "/" + controller + below, false);
      }
      if (!root) path.erase(path.rfind('/'));
    }
  }
}

std::optional<std::uint64_t> Cgroups::memory_left() const {
  std::optional<std::uint64_t> least;
  for_each_directory("memory", [&](const std::string& directory, bool v2) {
    const auto limit = read_number(directory + (v2 ? "/memory.max" : "/memory.limit_in_bytes"));
    const auto used = read_number(directory + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
    if (!limit || !used) return;
    const std::int64_t cache =
        read_statistic(directory + "/memory.stat", v2 ? "inactive_file" : "total_inactive_file");
    const std::int64_t left = *limit - std::max<std::int64_t>(*used - cache, 0);
    keep_smaller(least, static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)));
  });
  return least;
}

std::optional<double> Cgroups::cpu_quota() const {
  std::optional<double> least;
  for_each_directory("cpu", [&](const std::string& directory, bool v2) {
    double quota = 0;
    double period = 0;
    if (v2) {
      std::ifstream file(directory + "/cpu.max");
      if (!(file >> quota >> period)) return;  // "max 100000": no quota
    } else {
      quota = static_cast<double>(read_number(directory + "/cpu.cfs_quota_us").value_or(-1));
      period = static_cast<double>(read_number(directory + "/cpu.cfs_period_us").value_or(0));
    }
    if (quota > 0 && period > 0) keep_smaller(least, quota / period);
  });
  return least;
}

}  // namespace tutti
