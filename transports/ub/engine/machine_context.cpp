#include "transports/ub/engine/machine_context.hpp"

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cerrno>
#include <cstring>
#include <exception>

namespace tutti::ub {

namespace fcontext = boost::context::detail;

struct MachineContext::Arrival {
  // On the stack of `from.target_`, right after a jump; Boost says who jumped, and where that one
  // continues.
  TUTTI_UB_UNCOUNTED static MachineContext& settle(const fcontext::transfer_t& transfer) noexcept {
    MachineContext& from = *static_cast<MachineContext*>(transfer.data);
    MachineContext& here = *from.target_;
    from.place_ = transfer.fctx;
    here.sanitized_.arrive(from.sanitized_);
    return here;
  }

  TUTTI_UB_UNCOUNTED static void enter(fcontext::transfer_t transfer) {
    const MachineContext& here = settle(transfer);
    here.entry_(here.argument_);
    std::terminate();  // an Entry does not return: there is nothing below
  }
};

void MachineContext::prepare(const Start& start) noexcept {
  place_ = fcontext::make_fcontext(start.stack.high, start.stack.size(), &Arrival::enter);
  exceptions_ = {};
  errno_ = 0;
  state_ = start.state;
  entry_ = start.entry;
  argument_ = start.argument;
  sanitized_.adopt(start.stack.low, start.stack.size());
}

void MachineContext::jump(MachineContext& from, MachineContext& to, bool for_good) noexcept {
  // What the thread keeps becomes that of `to` here and not after the jump, so that a context that
  // starts finds it as well.
  auto* const exceptions = abi::__cxa_get_globals();
  std::memcpy(&from.exceptions_, exceptions, sizeof from.exceptions_);
  std::memcpy(exceptions, &to.exceptions_, sizeof to.exceptions_);
  from.errno_ = errno;
  errno = to.errno_;
  from.state_ = exchange_context(to.state_);
  from.target_ = &to;
  SanitizedStack::leave(from.sanitized_, to.sanitized_, for_good);
  Arrival::settle(fcontext::jump_fcontext(to.place_, &from));
}

void MachineContext::jump_for_good(MachineContext& from, MachineContext& to) noexcept {
  jump(from, to, true);
  std::terminate();
}

}  // namespace tutti::ub
