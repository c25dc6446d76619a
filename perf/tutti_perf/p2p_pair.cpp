#include "perf/tutti_perf/p2p_pair.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kPage = 4096;
constexpr LineId kLine = 2;  // behind the doorbells

std::byte row_byte(std::uint64_t round, std::size_t index) {
  return static_cast<std::byte>((round * 131 + index * 7 + (index >> 8)) & 0xff);
}

void fill_row(std::span<std::byte> row, std::uint64_t round) {
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = row_byte(round, i);
}

std::size_t count_wrong_bytes(std::span<const std::byte> row, std::uint64_t round) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < row.size(); ++i) wrong += row[i] != row_byte(round, i) ? 1 : 0;
  return wrong;
}

}  // namespace

PairEnd::PairEnd(Bootstrap& bootstrap, std::size_t bytes)
    : bootstrap_(bootstrap),
      rank_(bootstrap.rank()),
      transport_(bootstrap),
      line_bytes_(kPage),
      control_(transport_.open_control({.bytes = line_bytes_ + bytes, .line_bytes = line_bytes_})),
      source_(rank_ == 0 ? bytes : 0) {}

void PairEnd::wait_for_line(std::uint64_t value) {
  std::byte* const lines = control_->local().data();
  const Line& line = reinterpret_cast<const Line*>(lines)[kLine];
  Doorbell& bell = *reinterpret_cast<Doorbell*>(lines);
  for (;;) {
    const std::uint32_t seen = bell.ring.load(std::memory_order_acquire);
    if (line.value.load(std::memory_order_acquire) == value) return;
    transport_.sleep(bell, seen, Nanoseconds::max());
  }
}

void PairEnd::put(Rank peer, std::size_t bytes, std::uint64_t round, PairNotes& notes) {
  const std::span<std::byte> source = std::span(source_).first(rank_ == 0 ? bytes : 0);
  fill_row(source, round);
  meet();
  if (rank_ == 0) {
    const Piece piece{.source = source, .offset = line_bytes_};
    notes.started = now();
    control_->put(peer, {&piece, 1});
    control_->post(peer, kLine, round, {});
    control_->flush(peer, Nanoseconds::max());
  }
  if (rank_ == peer) {
    wait_for_line(round);
    notes.ended = now();
    notes.wrong += count_wrong_bytes(staging(bytes), round);
  }
  meet();
}

void PairEnd::view(Rank peer, std::size_t bytes, std::uint64_t round, PairNotes& notes) {
  if (rank_ == peer) fill_row(staging(bytes), round);
  meet();
  if (rank_ == 0) {
    notes.started = now();
    const std::span<const std::byte> row = control_->view(peer, line_bytes_, bytes);
    notes.ended = now();
    notes.wrong += row.size() == bytes ? count_wrong_bytes(row, round) : bytes;
  }
  meet();
}

}  // namespace tutti::perf
