// Where the time of single transfers went, by hand.
#include <gtest/gtest.h>

#include "tests/unit/ub_bus/bus_rank.hpp"
#include "transports/ub/trace/critical_path.hpp"

namespace tutti::ub::test {
namespace {

// Pieces of the transfers between ranks 0 and 1, on the fabric of wires, whose software is free.
struct Puts {
  explicit Puts(int count, std::size_t bytes) {
    SimulationOptions options{.profile = load_profile("cloudmatrix384-wire")};
    options.placement.ranks = 2;
    options.placement.per = "package";
    options.record_bytes = 1 << 20;
    simulation = std::make_unique<Simulation>(std::move(options));
    tutti::LocalGroup group(2, std::chrono::seconds(120));
    const std::vector<std::byte> source = bytes_of(bytes, 1);
    expect_finished(simulation->run([&](int number) {
      BusRank rank(group.bootstrap(number));
      if (number == 0) {
        for (int i = 0; i < count; ++i) rank.put(1, 0, source);
        rank.post(1, 8, 1);
        rank.control->flush(1, Nanoseconds::max());
      } else {
        EXPECT_TRUE(rank.await_line(8, 1));
      }
    }));
  }
  const RunRecord& record() const { return *simulation->record(); }
  std::vector<PathPiece> pieces(std::size_t transfer, bool until_left = false) const {
    return pieces_of(record().transfers()[transfer], simulation->topology(), {.rank = 0},
                     until_left);
  }

  std::unique_ptr<Simulation> simulation;
};

Picoseconds sum_of(const std::vector<PathPiece>& pieces, Part part) {
  Picoseconds sum{};
  for (const PathPiece& piece : pieces) {
    if (piece.part == part) sum += piece.end - piece.begin;
  }
  return sum;
}

TEST(TransferPieces, AloneItIsTheWayAndThePort) {
  const Puts puts(1, 1 << 20);
  const FabricPath& path = puts.simulation->topology().path(0, 1, Direction::kWrite);
  const auto pieces = puts.pieces(0);
  EXPECT_EQ(sum_of(pieces, Part::kHop), path.before_port + path.flight);
  EXPECT_EQ(sum_of(pieces, Part::kSerialise), path.port.time(1 << 20));
  EXPECT_EQ(sum_of(pieces, Part::kQueue), ps(0));
  EXPECT_EQ(pieces.front().begin, puts.record().transfers()[0].started);
  EXPECT_EQ(pieces.back().end, puts.record().transfers()[0].arrived);
}

TEST(TransferPieces, BehindAnotherOneItWaitsForThePort) {
  const Puts puts(2, 1 << 20);
  const FabricPath& path = puts.simulation->topology().path(0, 1, Direction::kWrite);
  EXPECT_EQ(sum_of(puts.pieces(1), Part::kQueue), path.port.time(1 << 20));
  EXPECT_EQ(sum_of(puts.pieces(1), Part::kSerialise), path.port.time(1 << 20));
  const auto left = puts.pieces(1, true);
  EXPECT_EQ(left.back().end, puts.record().transfers()[1].left);
  EXPECT_EQ(sum_of(left, Part::kHop), path.before_port);
}

// The flush of rank 0 ends when the second put has left, the wait of rank 1 by the line.
TEST(TransferPieces, WaitsKnowWhichTransferEndedThem) {
  const Puts puts(2, 1 << 20);
  const RunRecord& record = puts.record();
  bool flushed = false;
  for (const RecordedSpan& span : record.fibres()[record.fibre_of_rank(0)].spans) {
    if (span.cause != RecordedSpan::Cause::kLeft) continue;
    flushed = true;
    EXPECT_EQ(span.by, 1U);
    EXPECT_EQ(span.end, record.transfers()[1].left);
  }
  EXPECT_TRUE(flushed);
  bool came = false;
  for (const RecordedSpan& span : record.fibres()[record.fibre_of_rank(1)].spans) {
    came |= span.cause == RecordedSpan::Cause::kDelivery && span.by == 2;
  }
  EXPECT_TRUE(came);
}

}  // namespace
}  // namespace tutti::ub::test
