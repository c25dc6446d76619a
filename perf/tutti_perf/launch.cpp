// The only place that calls the collectives being measured.
#include "perf/tutti_perf/operation.hpp"

namespace tutti::perf {

Launch::Launch(const Case& c, Pointers buffers, tuttiComm_t comm)
    : case_(c), buffers_(buffers), comm_(comm) {
  for (int r = 0; r < c.ranks; ++r) {
    counts_.push_back(c.shape.count);
    displacements_.push_back(static_cast<std::size_t>(r) * c.shape.count);
  }
}

tuttiResult_t Launch::operator()() const {
  const Case& c = case_;
  const std::size_t count = c.shape.count;
  const std::size_t* counts = counts_.data();
  const std::size_t* displs = displacements_.data();
  std::byte* const send = buffers_.send;
  std::byte* const recv = buffers_.recv;
  switch (c.op) {
    case Op::kAllReduce:
      return tuttiAllReduce(send, recv, count, c.type, c.redop, comm_, nullptr);
    case Op::kBroadcast:
      return tuttiBroadcast(send, recv, count, c.type, c.root, comm_, nullptr);
    case Op::kReduce:
      return tuttiReduce(send, recv, count, c.type, c.redop, c.root, comm_, nullptr);
    case Op::kAllGather:
      return tuttiAllGather(send, recv, count, c.type, comm_, nullptr);
    case Op::kReduceScatter:
      return tuttiReduceScatter(send, recv, count, c.type, c.redop, comm_, nullptr);
    case Op::kAllToAll:
      return tuttiAlltoAll(send, recv, count, c.type, comm_, nullptr);
    case Op::kAllToAllv:
      return tuttiAlltoAllv(send, counts, displs, recv, counts, displs, c.type, comm_, nullptr);
    case Op::kAllGatherv:
      return tuttiAllGatherv(send, count, recv, counts, displs, c.type, comm_, nullptr);
    case Op::kReduceScatterv:
      return tuttiReduceScatterv(send, counts, displs, recv, c.type, c.redop, comm_, nullptr);
    case Op::kGather:
      return tuttiGather(send, recv, count, c.type, c.root, comm_, nullptr);
    case Op::kScatter:
      return tuttiScatter(send, recv, count, c.type, c.root, comm_, nullptr);
    case Op::kSendRecv:
      return send_recv();
    case Op::kBarrier:
      return tuttiBarrier(comm_, nullptr);
    case Op::kMoe:
      break;
  }
  return tuttiInvalidArgument;
}

// A ring: to the next rank, from the previous one.
tuttiResult_t Launch::send_recv() const {
  const Case& c = case_;
  const int next = (c.rank + 1) % c.ranks;
  const int previous = (c.rank + c.ranks - 1) % c.ranks;
  const tuttiResult_t started = tuttiGroupStart();
  if (started != tuttiSuccess) return started;
  const tuttiResult_t sent = tuttiSend(buffers_.send, c.shape.count, c.type, next, comm_, nullptr);
  const tuttiResult_t received =
      tuttiRecv(buffers_.recv, c.shape.count, c.type, previous, comm_, nullptr);
  const tuttiResult_t ended = tuttiGroupEnd();
  if (sent != tuttiSuccess) return sent;
  return received != tuttiSuccess ? received : ended;
}

}  // namespace tutti::perf
