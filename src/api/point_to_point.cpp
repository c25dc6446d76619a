// Send and Recv: check the arguments, describe the call as a Message, submit it.
#include <tutti/tutti.h>

#include "api/check.hpp"
#include "api/submit.hpp"

namespace {

using tutti::fail;
using tutti::Message;
using namespace tutti::api;

Message make_message(Message::Direction direction, const void* buffer, const char* argument,
                     std::size_t count, tuttiDataType_t type, int peer, tuttiComm_t comm) {
  check_type(type);
  const std::size_t bytes = checked_bytes(count, type, 1, "count");
  check_buffer(buffer, bytes, argument);
  if (peer < 0 || peer >= comm->ranks()) {
    fail(tuttiInvalidArgument, "peer is {}, expected 0 to {}", peer, comm->ranks() - 1);
  }
  return {.direction = direction,
          .peer = peer,
          .bytes = bytes,
          .fingerprint = tutti::fingerprint_of(
              {.kind = tutti::OperationKind::kPointToPoint, .type = type, .count = count})};
}

}  // namespace

tuttiResult_t tuttiSend(const void* sendbuff, size_t count, tuttiDataType_t datatype, int peer,
                        tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    Message message =
        make_message(Message::Direction::kSend, sendbuff, "sendbuff", count, datatype, peer, comm);
    message.send = static_cast<const std::byte*>(sendbuff);
    submit(*comm, message, stream);
  });
}

tuttiResult_t tuttiRecv(void* recvbuff, size_t count, tuttiDataType_t datatype, int peer,
                        tuttiComm_t comm, tuttiStream_t stream) {
  return call(comm, [&] {
    Message message = make_message(Message::Direction::kReceive, recvbuff, "recvbuff", count,
                                   datatype, peer, comm);
    message.recv = static_cast<std::byte*>(recvbuff);
    submit(*comm, message, stream);
  });
}
