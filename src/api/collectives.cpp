// The collectives: check the arguments, describe the call as a Request, submit it.
#include <tutti/tutti.h>

#include <algorithm>

#include "api/check.hpp"
#include "api/submit.hpp"

namespace {

using tutti::Communicator;
using tutti::fail;
using tutti::OperationKind;
using tutti::Request;
using namespace tutti::api;

std::size_t ranks_of(tuttiComm_t comm) { return static_cast<std::size_t>(comm->ranks()); }

const std::byte* bytes_at(const void* p) { return static_cast<const std::byte*>(p); }
std::byte* bytes_at(void* p) { return static_cast<std::byte*>(p); }

// A request whose send and receive buffers are `send_rows` and `recv_rows` times `count` elements.
// `in_place_offset`: where, in rows, one buffer starts in the other when the call is in place.
struct Rows {
  std::size_t send = 1;
  std::size_t recv = 1;
};

Request make_request(OperationKind kind, const void* sendbuff, void* recvbuff, std::size_t count,
                     tuttiDataType_t type, Rows rows) {
  check_type(type);
  const std::size_t send_bytes =
      checked_bytes(count, type, std::max<std::size_t>(rows.send, 1), "count");
  const std::size_t recv_bytes =
      checked_bytes(count, type, std::max<std::size_t>(rows.recv, 1), "count");
  if (rows.send != 0) check_buffer(sendbuff, send_bytes, "sendbuff");
  if (rows.recv != 0) check_buffer(recvbuff, recv_bytes, "recvbuff");
  return {.kind = kind,
          .send = bytes_at(sendbuff),
          .recv = bytes_at(recvbuff),
          .count = count,
          .type = type};
}

// Buffers may overlap only where the operation's in-place form says: `send` at `recv` + offset
// bytes.
void check_places(const Request& request, Rows rows, bool in_place) {
  if (rows.send == 0 || rows.recv == 0) return;
  check_overlap(request.send, request.bytes() * rows.send, request.recv,
                request.bytes() * rows.recv, in_place);
}

}  // namespace

tuttiResult_t tuttiAllReduce(const void* sendbuff, void* recvbuff, size_t count,
                             tuttiDataType_t datatype, tuttiRedOp_t op, tuttiComm_t comm,
                             tuttiStream_t stream) {
  return call(comm, [&] {
    Request request =
        make_request(OperationKind::kAllReduce, sendbuff, recvbuff, count, datatype, {});
    check_places(request, {}, sendbuff == recvbuff);
    submit_reduction(*comm, request, op, stream);
  });
}

tuttiResult_t tuttiReduce(const void* sendbuff, void* recvbuff, size_t count,
                          tuttiDataType_t datatype, tuttiRedOp_t op, int root, tuttiComm_t comm,
                          tuttiStream_t stream) {
  return call(comm, [&] {
    check_root(root, *comm);
    const Rows rows{.send = 1, .recv = comm->rank() == root ? 1u : 0u};
    Request request =
        make_request(OperationKind::kReduce, sendbuff, recvbuff, count, datatype, rows);
    request.root = root;
    check_places(request, rows, sendbuff == recvbuff);
    submit_reduction(*comm, request, op, stream);
  });
}

tuttiResult_t tuttiReduceScatter(const void* sendbuff, void* recvbuff, size_t recvcount,
                                 tuttiDataType_t datatype, tuttiRedOp_t op, tuttiComm_t comm,
                                 tuttiStream_t stream) {
  return call(comm, [&] {
    const Rows rows{.send = ranks_of(comm), .recv = 1};
    Request request =
        make_request(OperationKind::kReduceScatter, sendbuff, recvbuff, recvcount, datatype, rows);
    const auto own = static_cast<std::size_t>(comm->rank()) * request.bytes();
    check_places(request, rows, request.recv == request.send + own);
    submit_reduction(*comm, request, op, stream);
  });
}

tuttiResult_t tuttiReduceScatterv(const void* sendbuff, const size_t* sendcounts,
                                  const size_t* sdispls, void* recvbuff, tuttiDataType_t datatype,
                                  tuttiRedOp_t op, tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    check_type(datatype);
    const std::size_t n = ranks_of(comm);
    const std::size_t end = check_extents(sendcounts, sdispls, comm->ranks(), datatype, "send");
    const std::size_t own = sendcounts[comm->rank()];
    check_buffer(sendbuff, end, "sendbuff");
    check_buffer(recvbuff, own, "recvbuff");
    // The digest of all counts and displacements, which must be the same everywhere.
    std::size_t digest = n;
    for (std::size_t r = 0; r < n; ++r) digest = (digest * 31 + sendcounts[r]) * 31 + sdispls[r];
    const Request request{.kind = OperationKind::kReduceScatterv,
                          .send = bytes_at(sendbuff),
                          .recv = bytes_at(recvbuff),
                          .count = digest,
                          .type = datatype,
                          .send_extents = {{sendcounts, n}, {sdispls, n}}};
    const std::size_t size = tutti::size_of(datatype);
    check_overlap(request.send, end * size, request.recv, own * size,
                  request.recv == request.send + sdispls[comm->rank()] * size);
    submit_reduction(*comm, request, op, stream);
  });
}

tuttiResult_t tuttiBarrier(tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] { submit(*comm, Request{.kind = OperationKind::kBarrier}, stream); });
}

tuttiResult_t tuttiBroadcast(const void* sendbuff, void* recvbuff, size_t count,
                             tuttiDataType_t datatype, int root, tuttiComm_t comm,
                             tuttiStream_t stream) {
  return call(comm, [&] {
    check_root(root, *comm);
    const Rows rows{.send = comm->rank() == root ? 1u : 0u, .recv = 1};
    Request request =
        make_request(OperationKind::kBroadcast, sendbuff, recvbuff, count, datatype, rows);
    request.root = root;
    check_places(request, rows, sendbuff == recvbuff);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiAllGather(const void* sendbuff, void* recvbuff, size_t sendcount,
                             tuttiDataType_t datatype, tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    const Rows rows{.send = 1, .recv = ranks_of(comm)};
    const Request request =
        make_request(OperationKind::kAllGather, sendbuff, recvbuff, sendcount, datatype, rows);
    const auto own = static_cast<std::size_t>(comm->rank()) * request.bytes();
    check_places(request, rows, request.send == request.recv + own);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiAllGatherv(const void* sendbuff, size_t sendcount, void* recvbuff,
                              const size_t* recvcounts, const size_t* rdispls,
                              tuttiDataType_t datatype, tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    check_type(datatype);
    const std::size_t n = ranks_of(comm);
    const std::size_t end = check_extents(recvcounts, rdispls, comm->ranks(), datatype, "recv");
    check_buffer(sendbuff, sendcount, "sendbuff");
    check_buffer(recvbuff, end, "recvbuff");
    if (recvcounts[comm->rank()] != sendcount) {
      fail(tuttiInvalidArgument, "sendcount is {}, but recvcounts[{}] is {}", sendcount,
           comm->rank(), recvcounts[comm->rank()]);
    }
    const Request request{.kind = OperationKind::kAllGatherv,
                          .send = bytes_at(sendbuff),
                          .recv = bytes_at(recvbuff),
                          .count = sendcount,
                          .type = datatype,
                          .recv_extents = {{recvcounts, n}, {rdispls, n}}};
    const std::size_t size = tutti::size_of(datatype);
    check_overlap(request.send, request.bytes(), request.recv, end * size,
                  request.send == request.recv + rdispls[comm->rank()] * size);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiAlltoAll(const void* sendbuff, void* recvbuff, size_t count,
                            tuttiDataType_t datatype, tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    const Rows rows{.send = ranks_of(comm), .recv = ranks_of(comm)};
    const Request request =
        make_request(OperationKind::kAlltoAll, sendbuff, recvbuff, count, datatype, rows);
    check_places(request, rows, sendbuff == recvbuff);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiAlltoAllv(const void* sendbuff, const size_t* sendcounts, const size_t* sdispls,
                             void* recvbuff, const size_t* recvcounts, const size_t* rdispls,
                             tuttiDataType_t datatype, tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    check_type(datatype);
    const std::size_t n = ranks_of(comm);
    const std::size_t send_end =
        check_extents(sendcounts, sdispls, comm->ranks(), datatype, "send");
    const std::size_t recv_end =
        check_extents(recvcounts, rdispls, comm->ranks(), datatype, "recv");
    check_buffer(sendbuff, send_end, "sendbuff");
    check_buffer(recvbuff, recv_end, "recvbuff");
    if (sendbuff == recvbuff && sendbuff != nullptr) {
      for (std::size_t r = 0; r < n; ++r) {
        if (sendcounts[r] == recvcounts[r] && sdispls[r] == rdispls[r]) continue;
        fail(tuttiInvalidArgument,
             "in place, but counts or displacements to and from rank {} differ", r);
      }
    }
    if (sendcounts[comm->rank()] != recvcounts[comm->rank()]) {
      fail(tuttiInvalidArgument,
           "sendcounts[{0}] is {1}, but recvcounts[{0}] is {2} on rank {0} itself", comm->rank(),
           sendcounts[comm->rank()], recvcounts[comm->rank()]);
    }
    const Request request{.kind = OperationKind::kAlltoAllv,
                          .send = bytes_at(sendbuff),
                          .recv = bytes_at(recvbuff),
                          .count = 0,
                          .type = datatype,
                          .send_extents = {{sendcounts, n}, {sdispls, n}},
                          .recv_extents = {{recvcounts, n}, {rdispls, n}}};
    const std::size_t size = tutti::size_of(datatype);
    check_overlap(request.send, send_end * size, request.recv, recv_end * size,
                  sendbuff == recvbuff);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiGather(const void* sendbuff, void* recvbuff, size_t count,
                          tuttiDataType_t datatype, int root, tuttiComm_t comm,
                          tuttiStream_t stream) {
  return call(comm, [&] {
    check_root(root, *comm);
    const Rows rows{.send = 1, .recv = comm->rank() == root ? ranks_of(comm) : 0};
    Request request =
        make_request(OperationKind::kGather, sendbuff, recvbuff, count, datatype, rows);
    request.root = root;
    const auto own = static_cast<std::size_t>(comm->rank()) * request.bytes();
    check_places(request, rows, request.send == request.recv + own);
    submit(*comm, request, stream);
  });
}

tuttiResult_t tuttiScatter(const void* sendbuff, void* recvbuff, size_t count,
                           tuttiDataType_t datatype, int root, tuttiComm_t comm,
                           tuttiStream_t stream) {
  return call(comm, [&] {
    check_root(root, *comm);
    const Rows rows{.send = comm->rank() == root ? ranks_of(comm) : 0, .recv = 1};
    Request request =
        make_request(OperationKind::kScatter, sendbuff, recvbuff, count, datatype, rows);
    request.root = root;
    const auto own = static_cast<std::size_t>(comm->rank()) * request.bytes();
    check_places(request, rows, request.recv == request.send + own);
    submit(*comm, request, stream);
  });
}
