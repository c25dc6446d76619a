#include "communicator/children.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "communicator/setup_exchange.hpp"

namespace tutti {

namespace {

std::vector<Rank> everyone_of(const Communicator& communicator) {
  std::vector<Rank> members(static_cast<std::size_t>(communicator.ranks()));
  std::iota(members.begin(), members.end(), 0);
  return members;
}

}  // namespace

std::unique_ptr<tuttiComm> make_child(Communicator& parent, std::span<const Rank> members,
                                      SetupPurpose purpose, const Settings& settings) {
  SetupExchange exchange(parent.channel(), parent.setup(), {members.begin(), members.end()},
                         purpose, fmt::format("\"{}\"", settings.name));
  auto child = std::make_unique<tuttiComm>(exchange, settings);
  exchange.complete();
  return child;
}

std::unique_ptr<tuttiComm> duplicate(Communicator& parent, const std::string& name) {
  Settings settings = parent.settings();
  settings.name = name;
  return make_child(parent, everyone_of(parent), SetupPurpose::kDuplicate, settings);
}

std::unique_ptr<tuttiComm> split(Communicator& parent, int color, int key,
                                 const Settings& settings) {
  parent.channel().check_usable();
  struct Choice {
    std::int32_t color;
    std::int32_t key;
  };
  SetupExchange exchange(parent.channel(), parent.setup(), everyone_of(parent),
                         SetupPurpose::kSplit, "tuttiCommSplit");
  const auto choices = all_gather_value(exchange, Choice{color, key});
  exchange.complete();
  if (color == TUTTI_SPLIT_NOCOLOR) return nullptr;
  std::vector<Rank> members;
  for (const Rank rank : everyone_of(parent)) {
    if (choices[static_cast<std::size_t>(rank)].color == color) members.push_back(rank);
  }
  std::stable_sort(members.begin(), members.end(), [&](Rank a, Rank b) {
    return choices[static_cast<std::size_t>(a)].key < choices[static_cast<std::size_t>(b)].key;
  });
  return make_child(parent, members, SetupPurpose::kSplitGroup, settings);
}

std::unique_ptr<tuttiComm> shrink(Communicator& parent, std::span<const Rank> members,
                                  ShrinkParent state, const Settings& settings) {
  Channel& channel = parent.channel();
  const bool idle = parent.custody().await_queue(Nanoseconds(0));
  if (state == ShrinkParent::kHealthy) {
    channel.check_usable();
    if (!idle) {
      fail(tuttiInvalidUsage,
           "\"{}\" has operations under way: wait for them, or shrink it with TUTTI_SHRINK_ABORT",
           channel.name());
    }
  } else if (!idle) {
    channel.transport().abort(
        Error(tuttiAborted,
              fmt::format("\"{}\" was shrunk: what ran on it is abandoned", channel.name())));
  }
  return make_child(parent, members, SetupPurpose::kShrink, settings);
}

}  // namespace tutti
