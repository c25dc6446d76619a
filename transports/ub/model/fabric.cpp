#include "transports/ub/model/fabric.hpp"

#include "base/error.hpp"
#include "transports/ub/model/bound_fabric.hpp"
#include "transports/ub/model/cell_fabric.hpp"
#include "transports/ub/model/message_fabric.hpp"

namespace tutti::ub {

namespace {

constexpr std::uint32_t kSmallestCell = 512;
constexpr std::uint32_t kLargestCell = 4096;

}  // namespace

void check_transfer(const Topology& topology, const Transfer& transfer) {
  const auto is_rank = [&](int rank) { return rank >= 0 && rank < topology.ranks(); };
  if (!is_rank(transfer.rank) || !is_rank(transfer.peer) || transfer.rows == 0) {
    fail(tuttiInvalidArgument, "a transfer of {} rows between ranks {} and {} of {}", transfer.rows,
         transfer.rank, transfer.peer, topology.ranks());
  }
}

std::unique_ptr<Fabric> make_fabric(const Topology& topology, const FabricOptions& options,
                                    ModelEvents& queue, TransferSink& sink) {
  if (options.cell_bytes < kSmallestCell || options.cell_bytes > kLargestCell) {
    fail(tuttiInvalidArgument, "a cell has {} to {} bytes, not {}", kSmallestCell, kLargestCell,
         options.cell_bytes);
  }
  FabricOptions all = options;
  const std::vector<Fault>& known = topology.profile().faults;
  all.faults.insert(all.faults.begin(), known.begin(), known.end());
  switch (options.level) {
    case ModelLevel::kBound:
      return std::make_unique<BoundFabric>(topology, sink);
    case ModelLevel::kCell:
      return std::make_unique<CellFabric>(topology, all, queue, sink);
    default:
      return std::make_unique<MessageFabric>(topology, all, queue, sink);
  }
}

}  // namespace tutti::ub
