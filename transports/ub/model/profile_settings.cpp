#include "transports/ub/model/profile_settings.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tutti::ub {

namespace {

using Kind = JsonValue::Kind;

// One step down from the root: a field, or an element of a list by its position and its name.
struct Step {
  std::string key;
  std::string name;  // of a list's element: its "name" or "class"; may be empty

  bool is(std::string_view word) const { return word == key || (!name.empty() && word == name); }
};

// A number or a text of the document.
struct Leaf {
  std::vector<Step> steps;
  JsonValue* value = nullptr;

  std::string path() const {
    std::string path;
    for (const Step& step : steps) path += "/" + step.key;
    return path;
  }
  // {"value": .., "source": ..} goes by the name of its field.
  std::size_t length() const { return steps.size() - (steps.back().key == "value" ? 1 : 0); }
  const std::string& last() const { return steps[length() - 1].key; }
  bool ends_with(const std::vector<std::string>& words) const {
    return ends_with(words, steps.size()) || ends_with(words, length());
  }
  bool is_at(const std::vector<std::string>& words) const {
    return (words.size() == steps.size() || words.size() == length()) && ends_with(words);
  }

 private:
  bool ends_with(const std::vector<std::string>& words, std::size_t end) const {
    if (words.size() > end) return false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!steps[end - words.size() + i].is(words[i])) return false;
    }
    return true;
  }
};

std::string name_of(const JsonValue& element) {
  for (const std::string_view field : {"name", "class"}) {
    const JsonValue* const name = element.find(field);
    if (name != nullptr && name->kind == Kind::kString) return name->text;
  }
  return {};
}

JsonValue number_at(std::string text) { return {Kind::kNumber, std::move(text), {}, {}}; }
JsonValue text_at(std::string text) { return {Kind::kString, std::move(text), {}, {}}; }

JsonValue* field_of(JsonValue& object, std::string_view name) {
  for (std::size_t i = 0; i < object.names.size(); ++i) {
    if (object.names[i] == name) return &object.items[i];
  }
  return nullptr;
}

JsonValue& add_field(JsonValue& object, std::string name, JsonValue value) {
  object.names.push_back(std::move(name));
  return object.items.emplace_back(std::move(value));
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> words;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    if (end != 0) words.emplace_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return words;
}

// The network that joins most pairs of units: what a network's field alone means.
std::size_t main_network(const Profile& profile) {
  std::vector<std::int64_t> peers(profile.networks.size());
  std::int64_t nearer = 1;
  for (const Hop& hop : profile.hops) {
    if (hop.network < 0) continue;
    const std::int64_t within = profile.units(0, hop.within);
    peers[static_cast<std::size_t>(hop.network)] += within - nearer;
    nearer = within;
  }
  return static_cast<std::size_t>(std::max_element(peers.begin(), peers.end()) - peers.begin());
}

class Settings {
 public:
  Settings(JsonValue& document, const Profile& profile) : document_(document), profile_(profile) {
    collect(document_, {});
  }

  void apply(const std::string& setting) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == setting.size()) {
      fail(tuttiInvalidArgument, "{}: the setting '{}': expected PATH=VALUE", profile_.file,
           setting);
    }
    setting_ = setting;
    const std::string path = setting.substr(0, equals);
    const std::string value = setting.substr(equals + 1);
    if (path == "straggler") return faults_.push_back(straggler(value));
    if (path == "fault") return faults_.push_back(fault(value));
    const std::size_t number = find(path);
    JsonValue& field = *leaves_[number].value;
    if (field.kind == Kind::kNumber && !Decimal::parse(value)) {
      complain(
          fmt::format("expected a number below 10^9 with at most 9 decimals, found '{}'", value));
    }
    field.text = value;
    set_.push_back(number);
  }

  // Bandwidths that are measured on a network's links, and what is sized by them.
  void keep_proportions() {
    for (std::size_t n = 0; n < profile_.networks.size(); ++n) {
      const std::string base = fmt::format("/networks/{}/", n);
      const Network& old = profile_.networks[n];
      const std::optional<Decimal> planes = changed(base + "planes");
      const std::optional<Decimal> link = changed(base + "link_GBps");
      if (!planes && !link) continue;
      const auto old_planes = Decimal::of_units(old.planes * Decimal::kScale);
      const Ratio links{link.value_or(old.link_GBps), old.link_GBps};
      const Ratio all{planes.value_or(old_planes), old_planes};
      for (std::size_t h = 0; h < profile_.hops.size(); ++h) {
        if (profile_.hops[h].network != static_cast<int>(n)) continue;
        for (const std::string_view direction : {"read", "write"}) {
          scale(fmt::format("/hops/{}/{}/bandwidth_GBps", h, direction), {links, all}, false);
        }
      }
      scale(base + "receive_buffer_bytes", {links, all}, true);
      scale(base + "trunk/link_GBps", {links}, false);
    }
  }

  // Last, as it moves what the leaves point to.
  void add_faults() {
    if (faults_.empty()) return;
    JsonValue* faults = field_of(document_, "faults");
    if (faults == nullptr) {
      faults = &add_field(document_, "faults", {Kind::kObject, {}, {}, {}});
      add_field(*faults, "source", text_at("settings of this run"));
      add_field(*faults, "events", {Kind::kArray, {}, {}, {}});
    }
    JsonValue* const events = field_of(*faults, "events");
    for (JsonValue& event : faults_) events->items.push_back(std::move(event));
  }

 private:
  __extension__ using Wide = __int128;
  struct Ratio {
    Decimal now;
    Decimal before;
  };

  [[noreturn]] void complain(std::string_view sentence) const {
    fail(tuttiInvalidArgument, "{}: the setting '{}': {}", profile_.file, setting_, sentence);
  }

  void collect(JsonValue& value, std::vector<Step> steps) {
    if (value.kind == Kind::kNumber || value.kind == Kind::kString) {
      if (!steps.empty()) leaves_.push_back({std::move(steps), &value});
      return;
    }
    const bool is_object = value.kind == Kind::kObject;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      std::vector<Step> inner = steps;
      inner.push_back(is_object ? Step{value.names[i], {}}
                                : Step{std::to_string(i), name_of(value.items[i])});
      collect(value.items[i], std::move(inner));
    }
  }

  std::size_t find(const std::string& path) const {
    const std::vector<std::string> words = split(path);
    const bool from_root = path.front() == '/';
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      if (from_root ? leaves_[i].is_at(words) : leaves_[i].ends_with(words)) found.push_back(i);
    }
    if (found.empty() || words.empty()) complain_of_unknown(path);
    if (found.size() > 1) {
      const std::string main = std::to_string(main_network(profile_));
      std::vector<std::size_t> inside;
      std::copy_if(found.begin(), found.end(), std::back_inserter(inside), [&](std::size_t i) {
        const std::vector<Step>& steps = leaves_[i].steps;
        return steps.size() == 3 && steps[0].key == "networks" && steps[1].key == main;
      });
      if (inside.size() == 1) found = inside;
    }
    if (found.size() > 1) {
      std::vector<std::string> paths;
      for (const std::size_t i : found) paths.push_back(leaves_[i].path());
      complain(fmt::format("'{}' may be any of {}", path, fmt::join(paths, ", ")));
    }
    return found.front();
  }

  [[noreturn]] void complain_of_unknown(const std::string& path) const {
    std::vector<std::string> names;
    for (const Leaf& leaf : leaves_) {
      const std::string& name = leaf.last();
      if (leaf.value->kind != Kind::kNumber || leaf.steps.front().key == "calibration") continue;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    complain(
        fmt::format("there is no field '{}'; its numbers are {}; and there are straggler and fault",
                    path, fmt::join(names, ", ")));
  }

  // PERCENT of any rank, or RANK:PERCENT.
  JsonValue straggler(const std::string& value) const {
    const std::size_t colon = value.find(':');
    const std::string rank = colon == std::string::npos ? "any" : value.substr(0, colon);
    const std::string percent = colon == std::string::npos ? value : value.substr(colon + 1);
    const auto is_number = [](const std::string& text) {
      return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    if (!is_number(percent) || (rank != "any" && !is_number(rank))) {
      complain("expected PERCENT of the time that others take, or RANK:PERCENT");
    }
    JsonValue event{Kind::kObject, {}, {}, {}};
    add_field(event, "kind", text_at("slow_rank"));
    add_field(event, "at_ns", number_at("0"));
    add_field(event, "rank", rank == "any" ? text_at(rank) : number_at(rank));
    add_field(event, "percent", number_at(percent));
    return event;
  }

  // KIND:FIELD=VALUE,..., the fields of an event as a profile has them.
  JsonValue fault(const std::string& value) const {
    const std::size_t colon = value.find(':');
    JsonValue event{Kind::kObject, {}, {}, {}};
    add_field(event, "kind", text_at(value.substr(0, colon)));
    for (std::size_t start = colon; start != std::string::npos && start + 1 < value.size();) {
      const std::size_t end = value.find(',', start + 1);
      const std::string field = value.substr(start + 1, end - start - 1);
      const std::size_t equals = field.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == field.size()) {
        complain(fmt::format("expected KIND:FIELD=VALUE,..., found '{}'", field));
      }
      const std::string name = field.substr(0, equals), text = field.substr(equals + 1);
      if (event.find(name) != nullptr) complain(fmt::format("'{}' twice", name));
      add_field(event, name, Decimal::parse(text) ? number_at(text) : text_at(text));
      start = end;
    }
    return event;
  }

  std::optional<std::size_t> leaf_at(const std::string& path) const {
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      if (leaves_[i].path() == path) return i;
    }
    return std::nullopt;
  }
  bool is_set(std::size_t leaf) const {
    return std::find(set_.begin(), set_.end(), leaf) != set_.end();
  }
  // The new value of a field that was set; nothing where it is no number above 0, of which the
  // parser will complain.
  std::optional<Decimal> changed(const std::string& path) const {
    const std::optional<std::size_t> leaf = leaf_at(path);
    if (!leaf || !is_set(*leaf)) return std::nullopt;
    const std::optional<Decimal> value = Decimal::parse(leaves_[*leaf].value->text);
    return value && value->units() > 0 ? value : std::nullopt;
  }
  void scale(const std::string& path, const std::vector<Ratio>& ratios, bool whole) {
    const std::optional<std::size_t> leaf = leaf_at(path);
    if (!leaf || is_set(*leaf)) return;
    const Decimal old = *Decimal::parse(leaves_[*leaf].value->text);  // parsed before
    Wide units = old.units();
    for (const Ratio& ratio : ratios) {
      units = units * ratio.now.units() / ratio.before.units();  // factors below 2^60
      if (units > INT64_MAX) complain(fmt::format("{} becomes too large", path));
    }
    const auto now = static_cast<std::int64_t>(units);
    leaves_[*leaf].value->text =
        whole ? std::to_string(std::max<std::int64_t>(now / Decimal::kScale, 1))
              : fmt::format("{}.{:09}", now / Decimal::kScale, now % Decimal::kScale);
  }

  JsonValue& document_;
  const Profile& profile_;
  std::string setting_;  // that is being looked at
  std::vector<Leaf> leaves_;
  std::vector<std::size_t> set_;
  std::vector<JsonValue> faults_;
};

}  // namespace

void apply_settings(JsonValue& document, const Profile& profile,
                    std::span<const std::string> settings) {
  Settings all(document, profile);
  for (const std::string& setting : settings) all.apply(setting);
  all.keep_proportions();
  all.add_faults();
}

}  // namespace tutti::ub
