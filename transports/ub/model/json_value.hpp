// A JSON document whose numbers are still text, so that no double comes between a profile and time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tutti::ub {

struct JsonValue {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text;              // a number as it is written; a string's characters; true, false
  std::vector<JsonValue> items;  // of an array, or of an object, where names[i] is the field's
  std::vector<std::string> names;

  // The field of an object; null where there is none.
  const JsonValue* find(std::string_view name) const;
  // What a message calls it: "a list", "the text 'abc'", "-3".
  std::string description() const;
};

// Comments are allowed. Throws tuttiInvalidArgument that names `file` (as users know it) and the
// place; also for a field that stands twice in one object.
JsonValue parse_json(std::string_view text, std::string_view file);

}  // namespace tutti::ub
