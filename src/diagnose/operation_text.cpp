#include "diagnose/operation_text.hpp"

#include <fmt/format.h>

#include "base/data_type.hpp"

namespace tutti {

std::string operation_text(const OperationFacts& facts) {
  std::string arguments;
  const auto add = [&](std::string_view text) {
    if (!arguments.empty()) arguments += ", ";
    arguments += text;
  };
  if (facts.count != OperationFacts::kNoCount) add(fmt::format("count={}", facts.count));
  if (is_data_type(facts.type)) add(name_of(facts.type));
  if (facts.op != tuttiNumOps) add(name_of(facts.op));
  if (facts.root != OperationFacts::kNoRoot) add(fmt::format("root {}", facts.root));
  if (facts.peer != OperationFacts::kNoRoot) add(fmt::format("peer {}", facts.peer));
  return arguments.empty() ? facts.kind : fmt::format("{}({})", facts.kind, arguments);
}

}  // namespace tutti
