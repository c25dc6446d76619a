// What a lane is answered.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <tutti/error.hpp>

#include "transports/ub/processes/wire.hpp"

namespace tutti::launcher {

// Success without a value until told otherwise.
class Answer {
 public:
  explicit Answer(ub::wire::Lane& lane) noexcept : lane_(lane) {
    lane_.code = tuttiSuccess;
    lane_.reply_bytes = 0;
  }

  template <typename Value>
  void give(const Value& value) noexcept {
    static_assert(sizeof(Value) <= ub::wire::kReplyBytes);
    std::memcpy(lane_.reply, &value, sizeof(value));
    lane_.reply_bytes = sizeof(value);
  }

  // What has no room is left out.
  void fail(const Error& error) noexcept {
    const std::size_t room = ub::wire::kReplyBytes - sizeof(ub::wire::FailureHead);
    const std::size_t culprits = std::min(error.culprits().size(), room / 2 / sizeof(int));
    const std::string_view text(error.what());
    const std::size_t length = std::min(text.size(), room - culprits * sizeof(int));
    give(ub::wire::FailureHead{.text_bytes = static_cast<std::uint32_t>(length),
                               .culprits = static_cast<std::uint32_t>(culprits)});
    std::byte* const at = lane_.reply + sizeof(ub::wire::FailureHead);
    if (culprits > 0) std::memcpy(at, error.culprits().data(), culprits * sizeof(int));
    std::memcpy(at + culprits * sizeof(int), text.data(), length);
    lane_.code = static_cast<std::uint32_t>(error.code());
  }

 private:
  ub::wire::Lane& lane_;
};

}  // namespace tutti::launcher
