// The object a tuttiComm_t points to: one rank of one communicator.
#pragma once

#include <tutti/tutti.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/pause.hpp"
#include "base/process.hpp"
#include "base/ticks.hpp"
#include "bootstrap/bootstrap.hpp"
#include "channel/channel.hpp"
#include "channel/operation.hpp"
#include "collectives/point_to_point.hpp"
#include "collectives/request.hpp"
#include "collectives/selection.hpp"
#include "communicator/crew.hpp"
#include "communicator/custody.hpp"
#include "communicator/reduction_operators.hpp"
#include "communicator/registrations.hpp"
#include "communicator/settings.hpp"
#include "communicator/setup_exchange.hpp"
#include "diagnose/recorder.hpp"

namespace tutti {

class Communicator {
 public:
  // Collective over `bootstrap`, which is not used after this.
  Communicator(Bootstrap& bootstrap, const Settings& settings);
  virtual ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  Rank rank() const noexcept { return rank_; }
  int ranks() const noexcept { return ranks_; }
  const Settings& settings() const noexcept { return settings_; }
  Channel& channel() noexcept { return *channel_; }
  const Selection& selection() const noexcept { return selection_; }
  // For SetupExchange, in a Call.
  SetupState& setup() noexcept { return setup_; }
  // In a Call.
  ReductionOperators& operators() noexcept { return operators_; }
  Registrations& registrations() noexcept { return registrations_; }

  // One call of the API on this communicator: keeps a second thread out. tuttiInvalidUsage for that
  // thread, in a forked child, and, unless the call is the one that ends it, after finalize().
  enum class Entry : std::uint8_t { kUse, kEnd };
  class Call {
   public:
    explicit Call(Communicator& communicator, Entry entry = Entry::kUse);
    ~Call() { communicator_.busy_.store(false, std::memory_order_release); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Communicator& communicator_;
  };

  // An operation that has its place in the issue order and has not run yet.
  struct Issued {
    Operation operation;
    std::optional<Operation> check;  // TUTTI_CHECK=strict: compares fingerprints of all ranks first
    AlgorithmChoice choice;
  };
  // In a Call. Throws before anything is sent when the request cannot be run.
  Issued issue(const Request& request, tuttiRedOp_t user_op);
  // On any thread, once. A failure marks the communicator failed everywhere and is thrown.
  void execute(const Issued& issued, const Request& request);

  // The same for operations that are no collectives: `count` is what reports say of them.
  Operation issue(const OperationShape& shape, std::uint64_t count);
  template <typename Work>
  void execute(const Operation& operation, Work&& work) {
    try {
      guarded(work);
      recorder_.finish(operation.sequence(), OperationState::kDone, OperationRecorder::kUntimed);
    } catch (const Error&) {
      recorder_.finish(operation.sequence(), OperationState::kFailed, record_time());
      report_operations();
      throw;
    }
  }

  // Send and Recv: numbered in a Call, run on any thread as execute() is.
  void number(Message& message);
  void transfer(std::span<Transfer> transfers);

  // While an operation that was queued runs on a worker. tuttiAborted after abort(); the first
  // error when the communicator has failed.
  class Running {
   public:
    explicit Running(Communicator& communicator);
    ~Running() { communicator_.custody_.stop(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Communicator& communicator_;
  };
  Custody& custody() noexcept { return custody_; }
  // For the operations of a group without a stream. In a Call.
  Crew& crew() noexcept { return crew_; }

  // Runs `work`, which uses the channel; a failure marks the communicator as failed everywhere.
  template <typename Work>
  void guarded(Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      give_up(error);
    } catch (const std::exception& error) {
      give_up(Error(tuttiInternalError, error.what()));
    }
  }

  // In a Call. Collective: waits for this rank's operations and for every rank to come here; no
  // Call but the last follows.
  void finalize();

  // Keeps the text for tuttiGetLastError, with local facts; returns the code.
  tuttiResult_t record(const Error& error) noexcept;
  // As record(), on a thread that makes no calls on this communicator: the text is kept apart until
  // the next last_error().
  void record_elsewhere(const Error& error) noexcept;
  const char* last_error() noexcept;
  // tuttiSuccess, or why the communicator cannot be used any more.
  tuttiResult_t async_error() const noexcept;
  // Of the last operation; "" before the first. A constant string.
  const char* algorithm() const noexcept { return algorithm_.load(std::memory_order_relaxed); }
  void note_algorithm(const char* name) noexcept {
    algorithm_.store(name, std::memory_order_relaxed);
  }

  void abort() noexcept;
  // After abort(): waits until no call of this rank is inside and no queued operation runs.
  void await_idle();
  // The handle is gone: deletes the communicator, or leaves that to the last queued operation.
  static void release(Communicator* communicator) noexcept;

 private:
  [[noreturn]] void give_up(const Error& error);
  void run(const Issued& issued, const Request& request);
  void report_operations() noexcept;
  std::string text_of(const Error& error) const;

  TickScale record_scale() const noexcept {
    return in_virtual_time_ ? TickScale::of_nanoseconds() : TickScale::of_processor();
  }
  std::uint64_t record_time() const noexcept {
    return in_virtual_time_ ? static_cast<std::uint64_t>(current_time().count()) : ticks();
  }

  Settings settings_;
  Rank rank_;
  int ranks_;
  int generation_ = process_generation();
  // Order matters: the channel uses the transport.
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Channel> channel_;
  PointToPoint messages_;
  Selection selection_;
  SetupState setup_;
  ReductionOperators operators_;
  Registrations registrations_;
  // Ranks that are fibres are recorded in virtual time, whose tick is a nanosecond.
  const bool in_virtual_time_ = transport_->waiting() == Waiting::kPark;
  OperationRecorder recorder_{record_scale()};
  OperationRecorder message_recorder_{record_scale()};  // Send and Recv, numbered apart
  std::uint64_t messages_recorded_ = 0;
  std::atomic<bool> reported_{false};
  std::atomic<const char*> algorithm_{""};
  std::string last_error_;  // the API thread's
  std::mutex elsewhere_mutex_;
  std::string elsewhere_error_;  // under elsewhere_mutex_
  std::atomic<bool> has_elsewhere_error_{false};
  std::atomic<bool> finalized_{false};
  Custody custody_;
  Crew crew_;
  alignas(64) std::atomic<bool> busy_{false};
};

}  // namespace tutti

struct tuttiComm final : tutti::Communicator {
  using Communicator::Communicator;
};
