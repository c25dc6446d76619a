// Headers of frames: what is accepted says the same again when it is written.
#include "transports/message/frame.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "demand.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tutti::message;
  if (size < kFrameBytes) return 0;
  FrameBytes from;
  std::copy_n(reinterpret_cast<const std::byte*>(data), kFrameBytes, from.begin());
  std::string complaint;
  const auto frame = parse(from, complaint);
  TUTTI_DEMAND(frame.has_value() == complaint.empty());
  if (!frame) return 0;
  TUTTI_DEMAND(frame->bytes <= (is_whole(frame->kind) ? kMostWholeBytes : kMostContentBytes));
  FrameBytes to;
  encode(*frame, to);
  TUTTI_DEMAND(from == to);
  return 0;
}
