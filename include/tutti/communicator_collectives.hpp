// C++ facade: the bodies of Communicator's collectives. Included by communicator.hpp.
#pragma once

#include <tutti/communicator.hpp>

namespace tutti {
inline namespace facade {

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::all_reduce(const S& send, R&& recv, tuttiRedOp_t op, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(send);
  detail::require(std::ranges::size(recv) >= count, "all_reduce: recv is smaller than send");
  check(tuttiAllReduce(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>,
                       op, get(), stream));
}

template <Writable R>
void Communicator::broadcast(R&& buffer, int root, tuttiStream_t stream) {
  check(tuttiBroadcast(std::ranges::data(buffer), std::ranges::data(buffer),
                       std::ranges::size(buffer), detail::type_of<R>, root, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::broadcast(const S& send, R&& recv, int root, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(recv);
  detail::require(rank() != root || std::ranges::size(send) >= count,
                  "broadcast: the root's send is smaller than recv");
  check(tuttiBroadcast(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>,
                       root, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::reduce(const S& send, R&& recv, int root, tuttiRedOp_t op,
                          tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(send);
  detail::require(rank() != root || std::ranges::size(recv) >= count,
                  "reduce: the root's recv is smaller than send");
  check(tuttiReduce(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>, op,
                    root, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::all_gather(const S& send, R&& recv, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(send);
  detail::require(std::ranges::size(recv) / ranks() >= count,
                  "all_gather: recv has no room for a row of every rank");
  check(tuttiAllGather(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>,
                       get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::reduce_scatter(const S& send, R&& recv, tuttiRedOp_t op, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(recv);
  detail::require(std::ranges::size(send) / ranks() >= count,
                  "reduce_scatter: send has no row as long as recv for every rank");
  check(tuttiReduceScatter(std::ranges::data(send), std::ranges::data(recv), count,
                           detail::type_of<S>, op, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::all_to_all(const S& send, R&& recv, tuttiStream_t stream) {
  const std::size_t elements = std::ranges::size(send);
  detail::require(elements % ranks() == 0, "all_to_all: send is not a row for every rank");
  detail::require(std::ranges::size(recv) >= elements, "all_to_all: recv is smaller than send");
  check(tuttiAlltoAll(std::ranges::data(send), std::ranges::data(recv), elements / ranks(),
                      detail::type_of<S>, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::gather(const S& send, R&& recv, int root, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(send);
  detail::require(rank() != root || std::ranges::size(recv) / ranks() >= count,
                  "gather: the root's recv has no room for a row of every rank");
  check(tuttiGather(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>,
                    root, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::scatter(const S& send, R&& recv, int root, tuttiStream_t stream) {
  const std::size_t count = std::ranges::size(recv);
  detail::require(rank() != root || std::ranges::size(send) / ranks() >= count,
                  "scatter: the root's send has no row as long as recv for every rank");
  check(tuttiScatter(std::ranges::data(send), std::ranges::data(recv), count, detail::type_of<S>,
                     root, get(), stream));
}

template <Readable S>
void Communicator::send(const S& buffer, int peer, tuttiStream_t stream) {
  check(tuttiSend(std::ranges::data(buffer), std::ranges::size(buffer), detail::type_of<S>, peer,
                  get(), stream));
}

template <Writable R>
void Communicator::recv(R&& buffer, int peer, tuttiStream_t stream) {
  check(tuttiRecv(std::ranges::data(buffer), std::ranges::size(buffer), detail::type_of<R>, peer,
                  get(), stream));
}

// Every part lies inside a range of `elements`.
inline void Communicator::require_parts(Parts parts, std::size_t elements) const {
  detail::require(parts.counts.size() == ranks() && parts.displacements.size() == ranks(),
                  "counts and displacements need an entry for every rank");
  for (std::size_t r = 0; r < parts.counts.size(); ++r) {
    detail::require(parts.counts[r] == 0 || (parts.counts[r] <= elements &&
                                             parts.displacements[r] <= elements - parts.counts[r]),
                    "a count and displacement reach beyond their range");
  }
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::all_to_allv(const S& send, Parts send_parts, R&& recv, Parts recv_parts,
                               tuttiStream_t stream) {
  require_parts(send_parts, std::ranges::size(send));
  require_parts(recv_parts, std::ranges::size(recv));
  check(tuttiAlltoAllv(std::ranges::data(send), send_parts.counts.data(),
                       send_parts.displacements.data(), std::ranges::data(recv),
                       recv_parts.counts.data(), recv_parts.displacements.data(),
                       detail::type_of<S>, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::all_gatherv(const S& send, R&& recv, Parts recv_parts, tuttiStream_t stream) {
  require_parts(recv_parts, std::ranges::size(recv));
  check(tuttiAllGatherv(std::ranges::data(send), std::ranges::size(send), std::ranges::data(recv),
                        recv_parts.counts.data(), recv_parts.displacements.data(),
                        detail::type_of<S>, get(), stream));
}

template <Readable S, Writable R>
requires SameElement<S, R>
void Communicator::reduce_scatterv(const S& send, Parts send_parts, R&& recv, tuttiRedOp_t op,
                                   tuttiStream_t stream) {
  require_parts(send_parts, std::ranges::size(send));
  const std::size_t mine = send_parts.counts[static_cast<std::size_t>(rank())];
  detail::require(std::ranges::size(recv) >= mine, "reduce_scatterv: recv is too small");
  check(tuttiReduceScatterv(std::ranges::data(send), send_parts.counts.data(),
                            send_parts.displacements.data(), std::ranges::data(recv),
                            detail::type_of<S>, op, get(), stream));
}

template <typename T>
ReductionOperator Communicator::pre_mul_sum(T scalar) {
  tuttiRedOp_t op = tuttiSum;
  check(tuttiRedOpCreatePreMulSum(&op, &scalar, data_type<T>::value, tuttiScalarHostImmediate,
                                  get()));
  return ReductionOperator(get(), op);
}

}  // namespace facade
}  // namespace tutti
