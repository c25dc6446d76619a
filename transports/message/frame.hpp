// What travels between two processes that imitate memory by messages: frames of one fixed-size
// header each, and `bytes` of content. Encoded and parsed here only.
//
//   bytes  field     all unsigned, little-endian
//   0      kind      FrameKind
//   1      window    WindowId of kPut and kGet, PeerState of kNews
//   2-3    zero
//   4-7    port      the receiver's (port.hpp): which rank of which communicator
//   8-11   rank      the sender's, in that communicator
//   12-15  tag       kPost: the line; kGet and its answers: the request
//   16-23  argument  kPut: offset; kPost: value
//   24-31  bytes     that follow
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace tutti::message {

enum class FrameKind : std::uint8_t {
  kPut = 1,   // content goes to `argument` of a window
  kPost,      // a line: stamp, then payload
  kGet,       // WireRange each
  kData,      // the next bytes of what a kGet asked for, in its order
  kAbsent,    // the next range of it is not there; no content
  kGetEnd,    // all of it has been answered; `argument` is not 0 if it must not be used
  kNews,      // of rank `tag`: it left, it died; content: a bit for each rank that knows
  kProposal,  // a failure, to who decides which one is first
  kFailure,   // the one that was
  kNoPort,    // `argument` is a port to which a frame came, and which is closed
  kPing,      // is the process still there? To no port
  kPong,      // it is
};

enum class WindowId : std::uint8_t {
  kControl,
  kHeap,
  kProcess,
  kHeapHeader  // 8 bytes: how much of the heap was ever given out
};
inline constexpr unsigned kWindows = 4;

struct Frame {
  FrameKind kind = FrameKind::kPut;
  std::uint8_t window = 0;
  std::uint32_t port = 0;
  std::uint32_t rank = 0;
  std::uint32_t tag = 0;
  std::uint64_t argument = 0;
  std::uint64_t bytes = 0;
};

inline constexpr std::size_t kFrameBytes = 32;
using FrameBytes = std::array<std::byte, kFrameBytes>;

// Content that is looked at as a whole is at most this long; that of kPut and kData goes where it
// belongs as it comes.
inline constexpr std::size_t kMostWholeBytes = std::size_t{16} << 10;
// Of one frame; longer transfers are several.
inline constexpr std::size_t kMostContentBytes = std::size_t{1} << 30;

inline constexpr std::size_t kPostBytes = 56;  // stamp and payload

// A range of a window that a kGet asks for; as it travels.
inline constexpr std::size_t kRangeBytes = 16;
inline constexpr std::size_t kMostRanges = kMostWholeBytes / kRangeBytes;
struct WireRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

void encode(const Frame& frame, std::span<std::byte, kFrameBytes> to) noexcept;
void encode(const WireRange& range, std::span<std::byte, kRangeBytes> to) noexcept;
WireRange decode_range(std::span<const std::byte, kRangeBytes> from) noexcept;
void encode(std::uint64_t word, std::span<std::byte, 8> to) noexcept;
std::uint64_t decode_word(std::span<const std::byte, 8> from) noexcept;

// Nothing, and why in `complaint`, for bytes that encode() did not make.
std::optional<Frame> parse(std::span<const std::byte, kFrameBytes> from, std::string& complaint);

// Is the content of such a frame looked at as a whole?
constexpr bool is_whole(FrameKind kind) noexcept {
  return kind != FrameKind::kPut && kind != FrameKind::kData;
}

}  // namespace tutti::message
