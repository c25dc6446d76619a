#include "channel/fingerprint.hpp"

#include <fmt/format.h>

#include <array>

#include "base/data_type.hpp"

namespace tutti {

namespace {

struct KindTraits {
  const char* name;
  bool has_type;
  bool has_op;
  bool has_root;
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
    {"MoePlanUpdate", false, false, false},
    {"MoeDispatch", false, false, false},
    {"MoeCombine", true, false, false},
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
  if (traits.has_type) add(name_of(static_cast<tuttiDataType_t>(fingerprint >> 5 & 0xF)));
  if (traits.has_op) add(name_of(static_cast<tuttiRedOp_t>(fingerprint >> 9 & 0xF)));
  if (traits.has_root) add(fmt::format("root {}", fingerprint >> 13 & 0xFFF));
  return fmt::format("{}({})", traits.name, text);
}

}  // namespace tutti
