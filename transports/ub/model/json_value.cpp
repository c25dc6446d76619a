#include "transports/ub/model/json_value.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace tutti::ub {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kDeepest = 16;  // profiles need 5; values are destroyed recursively

// What nlohmann's parser calls, bottom-up into a JsonValue. open_.back() is the list or object that
// is being filled; none of its ancestors grows meanwhile, so the pointers stay good.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::string_view file) : file_(file) {}
  JsonValue take() { return std::move(root_); }

  bool null() override { return add({JsonValue::Kind::kNull, "null", {}, {}}); }
  bool boolean(bool value) override {
    return add({JsonValue::Kind::kBoolean, value ? "true" : "false", {}, {}});
  }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return number(text); }
  bool string(string_t& value) override { return add({JsonValue::Kind::kString, value, {}, {}}); }
  bool binary(binary_t&) override { return false; }  // not in text
  bool start_object(std::size_t) override { return open(JsonValue::Kind::kObject); }
  bool start_array(std::size_t) override { return open(JsonValue::Kind::kArray); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    JsonValue& object = *open_.back();
    if (object.find(name) != nullptr) {
      fail(tuttiInvalidArgument, "{}: the field '{}' stands twice in one object", file_, name);
    }
    object.names.push_back(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception&) override {
    fail(tuttiInvalidArgument, "{}: not JSON: byte {}, at '{}'", file_, position, last_token);
  }

 private:
  bool number(const std::string& text) { return add({JsonValue::Kind::kNumber, text, {}, {}}); }
  bool add(JsonValue value) {
    place(std::move(value));
    return true;
  }
  bool open(JsonValue::Kind kind) {
    if (open_.size() == kDeepest) {
      fail(tuttiInvalidArgument, "{}: lists and objects more than {} deep", file_, kDeepest);
    }
    open_.push_back(&place({kind, {}, {}, {}}));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  JsonValue& place(JsonValue value) {
    if (open_.empty()) return root_ = std::move(value);
    return open_.back()->items.emplace_back(std::move(value));
  }

  std::string_view file_;
  JsonValue root_;
  std::vector<JsonValue*> open_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  for (std::size_t i = 0; i < names.size() && i < items.size(); ++i) {
    if (names[i] == name) return &items[i];
  }
  return nullptr;
}

std::string JsonValue::description() const {
  switch (kind) {
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "an object";
    case Kind::kString:
      return fmt::format("the text '{}'", text);
    default:
      return text;
  }
}

JsonValue parse_json(std::string_view text, std::string_view file) {
  Builder builder(file);
  constexpr bool kStrict = true;
  constexpr bool kIgnoreComments = true;
  Json::sax_parse(text.begin(), text.end(), &builder, nlohmann::detail::input_format_t::json,
                  kStrict, kIgnoreComments);
  return builder.take();
}

}  // namespace tutti::ub
