// What a user declares on a communicator: operators, windows, memory.
#include <tutti/tutti.h>

#include "api/check.hpp"
#include "communicator/registrations.hpp"

using tutti::fail;
using tutti::Registrations;
using tutti::api::call;
using tutti::api::need;

namespace {

void check_range(const void* buff, std::size_t size) {
  need(buff, "buff");
  if (size == 0) fail(tuttiInvalidArgument, "size is 0");
  if (size > UINTPTR_MAX - reinterpret_cast<std::uintptr_t>(buff)) {
    fail(tuttiInvalidArgument, "size is {}: [buff, buff + size) is no range of memory", size);
  }
}

}  // namespace

tuttiResult_t tuttiRedOpCreatePreMulSum(tuttiRedOp_t* op, void* scalar, tuttiDataType_t datatype,
                                        tuttiScalarResidence_t residence, tuttiComm_t comm) {
  return call(comm, [&] {
    need(op, "op");
    need(scalar, "scalar");
    tutti::api::check_type(datatype);
    if (residence != tuttiScalarDevice && residence != tuttiScalarHostImmediate) {
      fail(tuttiInvalidArgument,
           "residence is {}, expected tuttiScalarDevice or tuttiScalarHostImmediate",
           static_cast<int>(residence));
    }
    *op = comm->operators().create(scalar, datatype, residence);
  });
}

tuttiResult_t tuttiRedOpDestroy(tuttiRedOp_t op, tuttiComm_t comm) {
  return call(comm, [&] { comm->operators().destroy(op); });
}

tuttiResult_t tuttiCommWindowRegister(tuttiComm_t comm, void* buff, size_t size,
                                      tuttiWindow_t* window, int flags) {
  return call(comm, [&] {
    need(window, "window");
    *window = nullptr;
    check_range(buff, size);
    if (flags != TUTTI_WIN_DEFAULT && flags != TUTTI_WIN_COLL_SYMMETRIC) {
      fail(tuttiInvalidArgument,
           "flags is {}, expected TUTTI_WIN_DEFAULT or TUTTI_WIN_COLL_SYMMETRIC", flags);
    }
    comm->channel().check_usable();
    const tutti::CallNote note(tutti::api::facts_of(*comm, "CommWindowRegister", size));
    *window = static_cast<tuttiWindow_t>(tutti::register_window(
        comm->channel(), comm->setup(), comm->registrations(),
        {.buffer = buff, .bytes = size, .symmetric = flags == TUTTI_WIN_COLL_SYMMETRIC}));
  });
}

tuttiResult_t tuttiCommWindowDeregister(tuttiComm_t comm, tuttiWindow_t window) {
  return call(comm, [&] {
    need(window, "window");
    comm->registrations().remove(Registrations::Kind::kWindow, window);
  });
}

tuttiResult_t tuttiCommRegister(tuttiComm_t comm, void* buff, size_t size, void** handle) {
  return call(comm, [&] {
    need(handle, "handle");
    *handle = nullptr;
    check_range(buff, size);
    *handle = comm->registrations().add(Registrations::Kind::kLocal, buff, size, comm->channel());
  });
}

tuttiResult_t tuttiCommDeregister(tuttiComm_t comm, void* handle) {
  return call(comm, [&] {
    need(handle, "handle");
    comm->registrations().remove(Registrations::Kind::kLocal, handle);
  });
}
