// What a sender and a receiver of one message tell each other, in the lines of their pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "channel/channel.hpp"
#include "collectives/point_to_point.hpp"

namespace tutti {

// What a sender says about its message.
struct MessageEntry {
  enum class Way : std::uint32_t { kInline, kInPlace, kStaged };
  static constexpr std::size_t kInlineBytes = 32;
  struct Pipe {
    std::uint64_t offset;
    std::uint64_t chunk_bytes;
  };

  std::uint64_t bytes;
  Way way;
  union {
    std::byte data[kInlineBytes];
    MemoryRef place;  // in place
    Pipe pipe;        // staged: in the entry's second step
  };
};
static_assert(sizeof(MessageEntry) <= LineContent::kPayloadBytes);

class PairLines {
 public:
  static constexpr std::uint64_t kPipeStep = 1;  // the entry's second step

  explicit PairLines(Channel& channel) : channel_(channel) {}

  // Has the peer's mark for this message reached `step`?
  bool has(const Message& message, PairLine mark, std::uint64_t step = 0,
           const std::source_location& where = std::source_location::current()) const {
    return channel_.shows(own_line(message, mark), pair_value(message.number, step),
                          {where, static_cast<unsigned>(mark)});
  }
  // Has the peer taken the whole message that used this one's lines before? `first`: the number of
  // the first message.
  bool are_free(const Message& message, Sequence first,
                const std::source_location& where = std::source_location::current()) const {
    if (message.number - first < kPairDepth) return true;
    return channel_.shows(own_line(message, PairLine::kTaken),
                          pair_value(message.number - kPairDepth, kAllSteps),
                          {where, static_cast<unsigned>(PairLine::kTaken)}, Sync::kCredit);
  }

  // What the sender has said, once has() its entry.
  MessageEntry entry(const Message& message) const {
    const Line& line = channel_.own_line(own_line(message, PairLine::kEntry));
    if (ChannelWatch* const watch = channel_.watch()) [[unlikely]]
      watch->uses_content(line);
    MessageEntry entry;
    std::memcpy(&entry, line.payload, sizeof(entry));
    return entry;
  }
  std::uint64_t stamp(const Message& message) const {
    return channel_.own_line(own_line(message, PairLine::kEntry)).stamp;
  }

  void post(const Message& message, PairLine mark, std::uint64_t step, LineContent content = {},
            const std::source_location& where = std::source_location::current()) const {
    if (channel_.leaves_out(Sync::kPost, {where, static_cast<unsigned>(mark)})) return;
    content.stamp = message.fingerprint;
    const LineId line = channel_.layout().pair_line(slot(message), mark, channel_.rank());
    channel_.control().post(message.peer, line, pair_value(message.number, step), content);
  }
  void post(const Message& message, const MessageEntry& entry, std::uint64_t step,
            const std::source_location& where = std::source_location::current()) const {
    LineContent content;
    std::memcpy(content.payload, &entry, sizeof(entry));
    post(message, PairLine::kEntry, step, content, where);
  }

 private:
  static unsigned slot(const Message& message) {
    return static_cast<unsigned>(message.number & (kPairDepth - 1));
  }
  LineId own_line(const Message& message, PairLine mark) const {
    return channel_.layout().pair_line(slot(message), mark, message.peer);
  }

  Channel& channel_;
};

}  // namespace tutti
