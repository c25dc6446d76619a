#include "collectives/local.hpp"

#include "collectives/rows.hpp"
#include "collectives/shares.hpp"
#include "kernels/copy.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

void run_alone(const Operation& operation, const Request& request) {
  switch (request.kind) {
    case OperationKind::kBarrier:
      return;
    case OperationKind::kAllReduce:
    case OperationKind::kReduce:
    case OperationKind::kReduceScatter:
    case OperationKind::kReduceScatterv: {
      const Share share = Shares(request, 1).of(0);
      if (share.count == 0) return;
      const std::byte* const source = request.send + share.first * request.element_bytes();
      std::byte* const destination = request.recv;
      const auto scales = request.reducer.scaled ? std::span(&request.reducer.scale, 1)
                                                 : std::span<const std::uint64_t>{};
      const std::size_t bytes = share.count * request.element_bytes();
      if (operation.channel().moves(Read{source, bytes}, Write{destination, bytes})) {
        kernels::reduce({.type = request.type, .op = request.reducer.op, .divisor = 1},
                        {&destination, 1}, {&source, 1}, share.count, scales);
      }
      operation.charge(LocalWork::reduce(bytes));
      return;
    }
    default: {
      const Rows rows(request, 0, 1);
      const auto out = rows.to(0);
      const auto in = rows.from(0);
      if (out.bytes == 0 || out.data == in.data) return;
      if (operation.channel().moves(Read{out.data, out.bytes}, Write{in.data, out.bytes})) {
        kernels::copy(in.data, out.data, out.bytes);
      }
      operation.charge(LocalWork::copy(out.bytes));
      return;
    }
  }
}

}  // namespace tutti
