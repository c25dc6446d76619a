// Typed reading of a JSON object. Every complaint names file, JSON path and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ub/model/decimal.hpp"
#include "transports/ub/model/json_value.hpp"

namespace tutti::ub {

// One object. Reads fields by name, then done() refuses what nobody asked for. `file` and `value`
// outlive it.
class FieldReader {
 public:
  FieldReader(std::string_view file, std::string path, const JsonValue& value);

  Decimal above_zero(std::string_view name);
  Decimal at_least_zero(std::string_view name);
  std::int64_t whole(std::string_view name, std::int64_t lowest, std::int64_t highest);
  std::string text(std::string_view name);  // not empty
  // The position in `words` of the field's text.
  std::size_t word(std::string_view name, std::span<const std::string_view> words);
  std::vector<std::string> texts(std::string_view name);  // at least one
  FieldReader object(std::string_view name);
  std::vector<FieldReader> objects(std::string_view name);
  std::optional<FieldReader> optional_object(std::string_view name);
  std::vector<FieldReader> optional_objects(std::string_view name);  // none where it is missing

  bool has(std::string_view name) const { return value_->find(name) != nullptr; }
  bool is(std::string_view name, JsonValue::Kind kind) const;
  void done() const;

  // tuttiInvalidArgument: "file: path/name: sentence".
  [[noreturn]] void complain(std::string_view name, std::string_view sentence) const;

 private:
  const JsonValue& require(std::string_view name, JsonValue::Kind kind, std::string_view expected);
  Decimal number(std::string_view name, std::string_view expected);
  [[noreturn]] void unexpected(std::string_view name, std::string_view expected) const;

  std::string_view file_;
  std::string path_;
  const JsonValue* value_;
  std::vector<std::string> known_;  // the fields that were asked for
};

}  // namespace tutti::ub
