#include "channel/fingerprint.hpp"

#include <fmt/format.h>

#include <array>
#include <span>

#include "base/data_type.hpp"

namespace tutti {

namespace {

struct KindTraits {
  const char* name;
  bool has_type;
  bool has_op;
  bool has_root;
  std::span<const DigestedArgument> digested = {};
};

constexpr std::array<KindTraits, 16> kKinds = {{
    {"AllReduce", true, true, false},
    {"Broadcast", true, false, true},
    {"Reduce", true, true, true},
    {"AllGather", true, false, false},
    {"ReduceScatter", true, true, false},
    {"AlltoAll", true, false, false},
    {"Gather", true, false, true},
    {"Scatter", true, false, true},
    {"AlltoAllv", true, false, false},
    {"AllGatherv", true, false, false},
    {"ReduceScatterv", true, true, false},
    {"Barrier", false, false, false},
    {"Send/Recv", true, false, false},
    {"MoePlanUpdate", false, false, false, kMoePlanArguments},
    {"MoeDispatch", false, false, false, kMoeDispatchArguments},
    {"MoeCombine", true, false, false, kMoeCombineArguments},
}};

}  // namespace

const char* name_of(OperationKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKinds.size() ? kKinds[index].name : "?";
}

std::string describe_fingerprint(std::uint64_t fingerprint) {
  const std::size_t kind = fingerprint & 0x1F;
  if (kind >= kKinds.size()) return "an unknown operation";
  const KindTraits& traits = kKinds[kind];
  std::string text;
  const auto add = [&text](const std::string& part) { text += text.empty() ? part : ", " + part; };
  if (traits.has_type) add(name_of(type_in(fingerprint)));
  if (traits.has_op) add(name_of(static_cast<tuttiRedOp_t>(fingerprint >> 9 & 0xF)));
  if (traits.has_root) add(fmt::format("root {}", fingerprint >> 13 & 0xFFF));
  return fmt::format("{}({})", traits.name, text);
}

std::string differing_arguments(std::uint64_t one, std::uint64_t other) {
  const std::size_t kind = one & 0x1F;
  if (kind != (other & 0x1F) || kind >= kKinds.size()) return "";
  const KindTraits& traits = kKinds[kind];
  const std::uint64_t difference = (one ^ other) & kFingerprintMask;
  std::string text;
  const auto compare = [&](const char* name, int first, int bits) {
    if ((difference >> first & ((std::uint64_t{1} << bits) - 1)) == 0) return;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  };
  if (traits.has_type) compare("type", 5, 4);
  if (traits.has_op) compare("operator", 9, 4);
  if (traits.has_root) compare("root", 13, 12);
  int first = 9;
  for (const DigestedArgument& argument : traits.digested) {
    compare(argument.name, first, argument.bits);
    first += argument.bits;
  }
  if (traits.digested.empty()) compare("count", 25, 23);
  return text.empty() ? "an argument that cannot be told from here" : text;
}

}  // namespace tutti
