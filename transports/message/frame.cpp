#include "transports/message/frame.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace tutti::message {

namespace {

template <typename T>
T in_wire_order(T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    return value;
  } else {
    T turned = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      turned = static_cast<T>(turned << 8 | (value >> 8 * i & 0xFF));
    }
    return turned;
  }
}

template <typename T>
void store(std::byte* to, T value) noexcept {
  value = in_wire_order(value);
  std::memcpy(to, &value, sizeof(value));
}

template <typename T>
T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return in_wire_order(value);
}

// What a frame of the kind may bring.
struct Limits {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
Limits limits_of(FrameKind kind) noexcept {
  switch (kind) {
    case FrameKind::kPut:
    case FrameKind::kData:
      return {1, kMostContentBytes};
    case FrameKind::kPost:
      return {kPostBytes, kPostBytes};
    case FrameKind::kGet:
      return {kRangeBytes, kMostWholeBytes};
    case FrameKind::kProposal:
    case FrameKind::kFailure:
      return {8, kMostWholeBytes};
    case FrameKind::kNews:
      return {0, kMostWholeBytes};
    case FrameKind::kAbsent:
    case FrameKind::kGetEnd:
    case FrameKind::kNoPort:
    case FrameKind::kPing:
    case FrameKind::kPong:
      break;
  }
  return {};
}

}  // namespace

void encode(std::uint64_t word, std::span<std::byte, 8> to) noexcept { store(to.data(), word); }

std::uint64_t decode_word(std::span<const std::byte, 8> from) noexcept {
  return load<std::uint64_t>(from.data());
}

void encode(const Frame& frame, std::span<std::byte, kFrameBytes> to) noexcept {
  std::byte* const p = to.data();
  store(p, static_cast<std::uint8_t>(frame.kind));
  store(p + 1, frame.window);
  store(p + 2, std::uint16_t{0});
  store(p + 4, frame.port);
  store(p + 8, frame.rank);
  store(p + 12, frame.tag);
  store(p + 16, frame.argument);
  store(p + 24, frame.bytes);
}

void encode(const WireRange& range, std::span<std::byte, kRangeBytes> to) noexcept {
  store(to.data(), range.offset);
  store(to.data() + 8, range.bytes);
}

WireRange decode_range(std::span<const std::byte, kRangeBytes> from) noexcept {
  return {.offset = load<std::uint64_t>(from.data()),
          .bytes = load<std::uint64_t>(from.data() + 8)};
}

std::optional<Frame> parse(std::span<const std::byte, kFrameBytes> from, std::string& complaint) {
  const std::byte* const p = from.data();
  const auto kind = load<std::uint8_t>(p);
  const Frame frame{.kind = static_cast<FrameKind>(kind),
                    .window = load<std::uint8_t>(p + 1),
                    .port = load<std::uint32_t>(p + 4),
                    .rank = load<std::uint32_t>(p + 8),
                    .tag = load<std::uint32_t>(p + 12),
                    .argument = load<std::uint64_t>(p + 16),
                    .bytes = load<std::uint64_t>(p + 24)};
  if (kind < static_cast<std::uint8_t>(FrameKind::kPut) ||
      kind > static_cast<std::uint8_t>(FrameKind::kPong)) {
    complaint = fmt::format("a frame of kind {}, which there is not", kind);
    return std::nullopt;
  }
  if (load<std::uint16_t>(p + 2) != 0) {
    complaint = "a frame whose reserved bytes are not zero";
    return std::nullopt;
  }
  const Limits limits = limits_of(frame.kind);
  if (frame.bytes < limits.least || frame.bytes > limits.most) {
    complaint = fmt::format("a frame of kind {} with {} bytes, where {} to {} are possible", kind,
                            frame.bytes, limits.least, limits.most);
    return std::nullopt;
  }
  if ((frame.kind == FrameKind::kPut || frame.kind == FrameKind::kGet) &&
      frame.window >= kWindows) {
    complaint = fmt::format("a frame for window {}, which there is not", frame.window);
    return std::nullopt;
  }
  if (frame.kind == FrameKind::kGet && frame.bytes % kRangeBytes != 0) {
    complaint = fmt::format("a request whose ranges take {} bytes", frame.bytes);
    return std::nullopt;
  }
  return frame;
}

}  // namespace tutti::message
