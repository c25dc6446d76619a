// PMI-1: bytes arrive in pieces (the first byte says how long they are), lines are taken as they
// become whole.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "bootstrap/launchers/pmi_message.hpp"
#include "demand.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  tutti::PmiLine line;
  while (!rest.empty() && !line.room().empty()) {
    const auto room = line.room();
    const std::size_t count = std::min({piece, rest.size(), room.size()});
    std::copy_n(rest.begin(), count, room.begin());
    line.filled(count);
    rest.remove_prefix(count);
    while (const auto text = line.line()) {
      TUTTI_DEMAND(text->find('\n') == std::string_view::npos);
      if (const auto message = tutti::PmiMessage::parse(*text)) {
        const auto value = message->find("value");
        TUTTI_DEMAND(!value || value->find(' ') == std::string_view::npos);
        TUTTI_DEMAND(message->command().size() < text->size());
        message->number("rc");
      }
      line.drop();
    }
  }
  return 0;
}
