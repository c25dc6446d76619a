#include "transports/ub/model/level_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tutti::ub {

namespace {

constexpr std::int64_t kMostUnits = 1 << 20;

struct Link {
  Level level;
  std::string inside;  // empty: the whole
};

std::vector<Link> read_links(FieldReader& topology) {
  std::vector<Link> links;
  for (FieldReader& reader : topology.objects("levels")) {
    Link link;
    link.level.name = reader.text("name");
    for (const Link& other : links) {
      if (other.level.name == link.level.name) {
        reader.complain("name", fmt::format("a second level '{}'", link.level.name));
      }
    }
    if (reader.has("inside")) {
      link.inside = reader.text("inside");
      link.level.count = reader.whole("count", 1, kMostUnits);
    } else if (reader.has("count")) {
      reader.complain("count", "a level inside no other stands once");
    }
    reader.done();
    links.push_back(std::move(link));
  }
  if (links.empty()) topology.complain("levels", "expected at least one level, found none");
  return links;
}

const Link* named(const std::vector<Link>& links, std::string_view name) {
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const Link& link) { return link.level.name == name; });
  return found == links.end() ? nullptr : &*found;
}

// The one level inside no other.
const Link& find_whole(const FieldReader& topology, const std::vector<Link>& links) {
  const Link* whole = nullptr;
  for (const Link& link : links) {
    if (!link.inside.empty()) continue;
    if (whole != nullptr) {
      topology.complain("levels", fmt::format("disconnected: neither '{}' nor '{}' is inside "
                                              "another level",
                                              whole->level.name, link.level.name));
    }
    whole = &link;
  }
  if (whole == nullptr) {
    topology.complain("levels", fmt::format("cyclic: every level is inside another, '{}' too",
                                            links.front().level.name));
  }
  return *whole;
}

// The level directly inside `outer`, or null.
const Link* find_inside(const FieldReader& topology, const std::vector<Link>& links,
                        const Link& outer) {
  const Link* inner = nullptr;
  for (const Link& link : links) {
    if (link.inside != outer.level.name) continue;
    if (inner != nullptr) {
      topology.complain("levels",
                        fmt::format("expected a chain, found '{}' and '{}' both inside '{}'",
                                    inner->level.name, link.level.name, outer.level.name));
    }
    inner = &link;
  }
  return inner;
}

}  // namespace

std::vector<Level> parse_levels(FieldReader& topology) {
  const std::vector<Link> links = read_links(topology);
  for (const Link& link : links) {
    if (!link.inside.empty() && named(links, link.inside) == nullptr) {
      topology.complain("levels",
                        fmt::format("disconnected: '{}' is inside '{}', which is no level",
                                    link.level.name, link.inside));
    }
  }
  std::vector<Level> levels;
  std::int64_t units = 1;
  for (const Link* link = &find_whole(topology, links); link != nullptr;
       link = find_inside(topology, links, *link)) {
    levels.push_back(link->level);
    units *= link->level.count;
    if (units > kMostUnits) {
      topology.complain("levels",
                        fmt::format("more than {} units of '{}'", kMostUnits, link->level.name));
    }
  }
  if (levels.size() < links.size()) {
    const auto astray = std::find_if(links.begin(), links.end(), [&](const Link& link) {
      return std::none_of(levels.begin(), levels.end(),
                          [&](const Level& level) { return level.name == link.level.name; });
    });
    topology.complain("levels", fmt::format("cyclic: '{}' is inside itself, by way of '{}'",
                                            astray->level.name, astray->inside));
  }
  std::reverse(levels.begin(), levels.end());
  return levels;
}

}  // namespace tutti::ub
