#include "transports/ub/model/field_reader.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"

namespace tutti::ub {

using Kind = JsonValue::Kind;

FieldReader::FieldReader(std::string_view file, std::string path, const JsonValue& value)
    : file_(file), path_(std::move(path)), value_(&value) {
  if (value.kind != Kind::kObject) {
    fail(tuttiInvalidArgument, "{}: {}: expected an object, found {}", file_,
         path_.empty() ? "/" : path_, value.description());
  }
}

void FieldReader::complain(std::string_view name, std::string_view sentence) const {
  fail(tuttiInvalidArgument, "{}: {}/{}: {}", file_, path_, name, sentence);
}

void FieldReader::unexpected(std::string_view name, std::string_view expected) const {
  complain(name, fmt::format("expected {}, found {}", expected, value_->find(name)->description()));
}

const JsonValue& FieldReader::require(std::string_view name, Kind kind, std::string_view expected) {
  known_.emplace_back(name);
  const JsonValue* const field = value_->find(name);
  if (field == nullptr) complain(name, fmt::format("is missing; expected {}", expected));
  if (field->kind != kind) unexpected(name, expected);
  return *field;
}

Decimal FieldReader::number(std::string_view name, std::string_view expected) {
  const JsonValue& field = require(name, Kind::kNumber, expected);
  const std::optional<Decimal> value = Decimal::parse(field.text);
  if (!value) {
    complain(name, fmt::format("expected {} below 10^9 with at most 9 decimals, found {}", expected,
                               field.text));
  }
  return *value;
}

Decimal FieldReader::above_zero(std::string_view name) {
  constexpr std::string_view kExpected = "a number above 0";
  const Decimal value = number(name, kExpected);
  if (value.units() <= 0) unexpected(name, kExpected);
  return value;
}

Decimal FieldReader::at_least_zero(std::string_view name) {
  constexpr std::string_view kExpected = "a number of at least 0";
  const Decimal value = number(name, kExpected);
  if (value.units() < 0) unexpected(name, kExpected);
  return value;
}

std::int64_t FieldReader::whole(std::string_view name, std::int64_t lowest, std::int64_t highest) {
  const std::string expected = fmt::format("a whole number from {} to {}", lowest, highest);
  const Decimal value = number(name, expected);
  if (!value.is_whole() || value.whole() < lowest || value.whole() > highest) {
    unexpected(name, expected);
  }
  return value.whole();
}

std::string FieldReader::text(std::string_view name) {
  constexpr std::string_view kExpected = "a text that is not empty";
  const JsonValue& field = require(name, Kind::kString, kExpected);
  if (field.text.empty()) unexpected(name, kExpected);
  return field.text;
}

std::size_t FieldReader::word(std::string_view name, std::span<const std::string_view> words) {
  const std::string expected = fmt::format("one of {}", fmt::join(words, ", "));
  const JsonValue& field = require(name, Kind::kString, expected);
  const auto found = std::find(words.begin(), words.end(), field.text);
  if (found == words.end()) unexpected(name, expected);
  return static_cast<std::size_t>(found - words.begin());
}

std::vector<std::string> FieldReader::texts(std::string_view name) {
  constexpr std::string_view kExpected = "a list of texts";
  const JsonValue& field = require(name, Kind::kArray, kExpected);
  std::vector<std::string> result;
  for (const JsonValue& item : field.items) {
    if (item.kind != Kind::kString || item.text.empty()) unexpected(name, kExpected);
    result.push_back(item.text);
  }
  if (result.empty()) complain(name, "expected at least one text, found an empty list");
  return result;
}

FieldReader FieldReader::object(std::string_view name) {
  const JsonValue& field = require(name, Kind::kObject, "an object");
  return FieldReader(file_, fmt::format("{}/{}", path_, name), field);
}

std::vector<FieldReader> FieldReader::objects(std::string_view name) {
  const JsonValue& field = require(name, Kind::kArray, "a list of objects");
  std::vector<FieldReader> result;
  for (std::size_t i = 0; i < field.items.size(); ++i) {
    result.emplace_back(file_, fmt::format("{}/{}/{}", path_, name, i), field.items[i]);
  }
  return result;
}

std::optional<FieldReader> FieldReader::optional_object(std::string_view name) {
  if (has(name)) return object(name);
  known_.emplace_back(name);
  return std::nullopt;
}

std::vector<FieldReader> FieldReader::optional_objects(std::string_view name) {
  if (has(name)) return objects(name);
  known_.emplace_back(name);
  return {};
}

bool FieldReader::is(std::string_view name, Kind kind) const {
  const JsonValue* const field = value_->find(name);
  return field != nullptr && field->kind == kind;
}

void FieldReader::done() const {
  for (const std::string& name : value_->names) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    complain(name, fmt::format("no such field; expected one of {}", fmt::join(known_, ", ")));
  }
}

}  // namespace tutti::ub
