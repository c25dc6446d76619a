#include "communicator/communicator.hpp"

#include <unistd.h>

#include <cstring>
#include <numeric>

#include "base/call_watcher.hpp"
#include "base/error.hpp"
#include "base/fibre_host.hpp"
#include "base/log.hpp"
#include "base/pause.hpp"
#include "base/ticks.hpp"
#include "collectives/run.hpp"
#include "transports/registry.hpp"

namespace tutti {

namespace {

// On which ranks must agree before they share memory.
struct Agreed {
  std::int64_t timeout_ns;
  std::uint64_t first_sequence;
  std::int32_t strict;
  std::int32_t in_place;
  std::int32_t version;
  char transport[32];
  char algorithm[32];
};

Agreed agreed(const Settings& settings) {
  Agreed value{};
  value.timeout_ns = settings.timeout.count();
  value.first_sequence = settings.first_sequence;
  value.strict = settings.strict;
  value.in_place = settings.in_place;
  value.version = TUTTI_VERSION_CODE;
  const std::string transport = agreed_transport(settings.transport);
  std::strncpy(value.transport, transport.c_str(), sizeof(value.transport) - 1);
  if (settings.algorithm) {
    std::strncpy(value.algorithm, settings.algorithm->c_str(), sizeof(value.algorithm) - 1);
  }
  return value;
}

void check_agreement(Bootstrap& bootstrap, const Settings& settings) {
  const auto all = all_gather_value(bootstrap, agreed(settings));
  for (Rank rank = 1; rank < bootstrap.ranks(); ++rank) {
    const Agreed& mine = all[0];
    const Agreed& theirs = all[static_cast<std::size_t>(rank)];
    const char* field = theirs.version != mine.version                 ? "the library's version"
                        : theirs.timeout_ns != mine.timeout_ns         ? "the timeout"
                        : theirs.first_sequence != mine.first_sequence ? "TUTTI_SEQUENCE_START"
                        : theirs.strict != mine.strict                 ? "TUTTI_CHECK"
                        : theirs.in_place != mine.in_place             ? "TUTTI_IN_PLACE"
                        : std::strcmp(theirs.transport, mine.transport) != 0 ? "the transport"
                        : std::strcmp(theirs.algorithm, mine.algorithm) != 0 ? "TUTTI_ALGO"
                                                                             : nullptr;
    if (field == nullptr) continue;
    fail_because_of({rank}, tuttiMismatch, "ranks 0 and {} of \"{}\" differ in {}", rank,
                    settings.name, field);
  }
}

// What the recorder keeps of a call.
OperationFacts facts_of(const Request& request, tuttiRedOp_t op) {
  OperationFacts facts{.kind = name_of(request.kind), .count = request.count, .type = request.type};
  switch (request.kind) {
    case OperationKind::kReduce:
      facts.root = request.root;
      [[fallthrough]];
    case OperationKind::kAllReduce:
    case OperationKind::kReduceScatter:
    case OperationKind::kReduceScatterv:
      facts.op = op;
      break;
    case OperationKind::kBroadcast:
    case OperationKind::kGather:
    case OperationKind::kScatter:
      facts.root = request.root;
      break;
    case OperationKind::kBarrier:
      facts.count = OperationFacts::kNoCount;
      facts.type = tuttiNumTypes;
      break;
    default:
      break;
  }
  return facts;
}

// Of all messages that go together.
CallFacts facts_of(std::span<const Transfer> transfers, std::string_view communicator, int ranks) {
  CallFacts facts{.kind = "SendRecv", .communicator = communicator, .ranks = ranks};
  for (const Transfer& transfer : transfers) facts.bytes += transfer.message.bytes;
  if (transfers.size() == 1) {
    const bool sends = transfers[0].message.direction == Message::Direction::kSend;
    facts.kind = sends ? "Send" : "Recv";
  }
  return facts;
}

constexpr Nanoseconds kSpin = std::chrono::milliseconds(1);
// Crowded ranks hand the core round a few times before they pay for a sleep.
constexpr Nanoseconds kCrowdedSpin = std::chrono::microseconds(30);

// Nobody posts before every rank's lines are ready. Who leaves instead may have had an error that
// others have heard of.
void await_everybody(Transport& transport, Bootstrap& bootstrap) {
  try {
    bootstrap.all_gather({}, {});
  } catch (const Error&) {
    transport.progress();
    if (const auto failure = transport.failure()) throw *failure;
    throw;
  }
}

std::unique_ptr<Channel> open_channel(Transport& transport, Bootstrap& bootstrap,
                                      const Settings& settings) {
  if (current_context().host != nullptr && transport.waiting() != Waiting::kPark) {
    fail(tuttiInvalidUsage,
         "\"{}\": transport {} makes threads wait, but the ranks are fibres of one thread, which "
         "would stand still",
         settings.name, transport.name());
  }
  ChannelWindows windows;
  windows.layout = control_layout({.ranks = static_cast<unsigned>(bootstrap.ranks()),
                                   .sparse = transport.sparse_segments(),
                                   .concurrent = settings.concurrent});
  windows.control = transport.open_control({.bytes = windows.layout.bytes(),
                                            .line_bytes = windows.layout.line_bytes(),
                                            .front_bytes = windows.layout.front_bytes()});
  windows.heap = transport.open_window(WindowKind::kHeap);
  windows.process = transport.open_window(WindowKind::kProcess);
  const bool crowded = transport.crowded();
  ChannelOptions options{.name = settings.name,
                         .limits = {.timeout = settings.timeout,
                                    .spin = settings.spin.value_or(crowded ? kCrowdedSpin : kSpin),
                                    .waiting = transport.waiting()},
                         .in_place = settings.in_place,
                         .first_sequence = settings.first_sequence};
  auto channel = std::make_unique<Channel>(transport, std::move(windows), bootstrap.rank(),
                                           std::move(options));
  if (settings.concurrent) channel->become_concurrent();
  await_everybody(transport, bootstrap);
  return channel;
}

}  // namespace

Communicator::Communicator(Bootstrap& bootstrap, const Settings& settings)
    : settings_(settings),
      rank_(bootstrap.rank()),
      ranks_(bootstrap.ranks()),
      transport_((check_agreement(bootstrap, settings),
                  open_transport(settings.transport, bootstrap, settings.timeout))),
      channel_(open_channel(*transport_, bootstrap, settings)),
      messages_(*channel_, settings.first_sequence),
      selection_({.ranks = ranks_,
                  .crowded = transport_->crowded(),
                  .shared_words = transport_->access(0).shared_words,
                  .direct = channel_->reached_by_all(MemoryRef::Where::kProcess) ||
                            channel_->copied_by_all(MemoryRef::Where::kProcess),
                  .slot_bytes = channel_->layout().slot_bytes,
                  .any_source = channel_->views_are_copies(),
                  .costs = transport_->costs()},
                 settings.algorithm) {
  last_error_.reserve(2048);
  TUTTI_INFO(kInit, "\"{}\": rank {} of {} on {}", settings_.name, rank_, ranks_,
             transport_->name());
}

Communicator::~Communicator() = default;

Communicator::Call::Call(Communicator& communicator, Entry entry) : communicator_(communicator) {
  if (communicator.generation_ != process_generation()) [[unlikely]] {
    fail(tuttiInvalidUsage, "\"{}\" was made by this process's parent, before fork()",
         communicator.settings_.name);
  }
  // Acquire pairs with the release of the last call's end, maybe on another thread.
  if (communicator.busy_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
    fail(tuttiInvalidUsage, "two threads are in calls on \"{}\", rank {}, at once",
         communicator.settings_.name, communicator.rank_);
  }
  if (entry == Entry::kUse && communicator.finalized_.load(std::memory_order_relaxed))
      [[unlikely]] {
    communicator.busy_.store(false, std::memory_order_release);
    fail(tuttiInvalidUsage, "\"{}\" is finalized: only tuttiCommDestroy may follow",
         communicator.settings_.name);
  }
}

void Communicator::finalize() {
  channel_->check_usable();
  if (!custody_.await_queue(settings_.timeout)) {
    fail(tuttiTimeout, "operations on \"{}\" are still queued after {} ms", settings_.name,
         std::chrono::duration_cast<std::chrono::milliseconds>(settings_.timeout).count());
  }
  std::vector<Rank> everyone(static_cast<std::size_t>(ranks_));
  std::iota(everyone.begin(), everyone.end(), 0);
  SetupExchange exchange(*channel_, setup_, std::move(everyone), SetupPurpose::kFinalize,
                         "tuttiCommFinalize");
  exchange.all_gather({}, {});
  exchange.complete();
  finalized_.store(true, std::memory_order_relaxed);  // read by the same rank's calls
}

Communicator::Issued Communicator::issue(const Request& request, tuttiRedOp_t user_op) {
  const AlgorithmChoice choice = selection_.choose(request);
  const OperationShape shape = shape_of(request, user_op);
  note_algorithm(name_of(choice));
  std::optional<Operation> check;
  if (settings_.strict && ranks_ > 1) [[unlikely]]
    check = channel_->begin(shape);
  const Issued issued{channel_->begin(shape), check, choice};
  recorder_.issue(issued.operation.sequence(), facts_of(request, user_op), record_time());
  return issued;
}

void Communicator::execute(const Issued& issued, const Request& request) {
  const CallNote note([&] {
    return CallFacts{.kind = name_of(request.kind),
                     .bytes = request.bytes(),
                     .communicator = settings_.name,
                     .ranks = ranks_,
                     .sequence = issued.operation.sequence(),
                     .algorithm = name_of(issued.choice)};
  });
  execute(issued.operation, [&] { run(issued, request); });
}

Operation Communicator::issue(const OperationShape& shape, std::uint64_t count) {
  const Operation operation = channel_->begin(shape);
  OperationFacts facts{.kind = name_of(shape.kind), .count = count};
  if (shape.kind == OperationKind::kMoeCombine) facts.type = shape.type;
  recorder_.issue(operation.sequence(), facts, record_time());
  return operation;
}

void Communicator::number(Message& message) {
  messages_.number(message);
  message.record = messages_recorded_++;
  const tuttiDataType_t type = type_in(message.fingerprint);
  message_recorder_.issue(message.record,
                          {.kind = message.direction == Message::Direction::kSend ? "Send" : "Recv",
                           .count = message.bytes / size_of(type),
                           .type = type,
                           .peer = message.peer},
                          record_time());
}

void Communicator::transfer(std::span<Transfer> transfers) {
  const CallNote note([&] { return facts_of(transfers, settings_.name, ranks_); });
  const auto finish = [&](OperationState otherwise, std::uint64_t now) {
    for (const Transfer& transfer : transfers) {
      const bool done = transfer.stage == Transfer::Stage::kDone;
      message_recorder_.finish(transfer.message.record, done ? OperationState::kDone : otherwise,
                               done ? OperationRecorder::kUntimed : now);
    }
  };
  try {
    guarded([&] { messages_.run(transfers); });
    if (!transfers.empty()) note_algorithm(transfers.front().way);
    finish(OperationState::kDone, OperationRecorder::kUntimed);
  } catch (const Error&) {
    finish(OperationState::kFailed, record_time());
    report_operations();
    throw;
  }
}

void Communicator::run(const Issued& issued, const Request& request) {
  if (issued.check) [[unlikely]] {
    const Request barrier;
    run_collective(*issued.check, barrier, selection_.choose(barrier), selection_);
  }
  if (request.reducer.scale_from != nullptr) [[unlikely]] {
    Request scaled = request;
    std::memcpy(&scaled.reducer.scale, request.reducer.scale_from, request.element_bytes());
    run_collective(issued.operation, scaled, issued.choice, selection_);
    return;
  }
  run_collective(issued.operation, request, issued.choice, selection_);
}

void Communicator::report_operations() noexcept {
  constexpr std::size_t kShown = 16;
  if (!log_wanted(LogLevel::kInfo, Subsystem::kColl) || reported_.exchange(true)) return;
  try {
    const std::uint64_t now = record_time();
    for (const auto& [what, recorder] :
         {std::pair("operation", &recorder_), std::pair("message", &message_recorder_)}) {
      const std::vector<std::string> lines = recorder->dump(now);
      const std::size_t first = lines.size() > kShown ? lines.size() - kShown : 0;
      for (std::size_t i = first; i < lines.size(); ++i) {
        TUTTI_INFO(kColl, "\"{}\", rank {}: {} {}", settings_.name, rank_, what, lines[i]);
      }
    }
  } catch (const std::exception&) {
    return;  // no memory for a report
  }
}

void Communicator::give_up(const Error& error) {
  if (error.code() == tuttiAborted) throw error;
  channel_->raise(error);
}

Communicator::Running::Running(Communicator& communicator) : communicator_(communicator) {
  Channel& channel = *communicator.channel_;
  if (!communicator.custody_.start([&] { return channel.cancelled(); })) {
    fail(tuttiAborted, "\"{}\" was aborted on this rank", communicator.settings_.name);
  }
  try {
    if (channel.own_bell().alarm.load(std::memory_order_acquire) != 0) channel.check_usable();
  } catch (...) {
    communicator.custody_.stop();
    throw;
  }
}

std::string Communicator::text_of(const Error& error) const {
  char host[128] = "?";
  ::gethostname(host, sizeof(host) - 1);
  return fmt::format("{}: {} | rank {} of \"{}\", host {}, pid {}",
                     tuttiGetErrorString(error.code()), error.what(), rank_, settings_.name, host,
                     ::getpid());
}

tuttiResult_t Communicator::record(const Error& error) noexcept {
  if (has_elsewhere_error_.load(std::memory_order_acquire)) (void)last_error();  // older than this
  try {
    last_error_ = text_of(error);
    TUTTI_WARN(kInit, "{}", last_error_);
  } catch (const std::exception&) {
    last_error_.clear();  // no memory even for the sentence: the code says it
  }
  return error.code();
}

void Communicator::record_elsewhere(const Error& error) noexcept {
  try {
    std::string text = text_of(error);
    TUTTI_WARN(kInit, "{}", text);
    const std::lock_guard lock(elsewhere_mutex_);
    if (has_elsewhere_error_.load(std::memory_order_relaxed)) return;  // the first one is the cause
    elsewhere_error_ = std::move(text);
    has_elsewhere_error_.store(true, std::memory_order_release);
  } catch (const std::exception&) {
    return;  // no memory even for the sentence: the code says it
  }
}

const char* Communicator::last_error() noexcept {
  if (has_elsewhere_error_.load(std::memory_order_acquire)) [[unlikely]] {
    const std::lock_guard lock(elsewhere_mutex_);
    last_error_.swap(elsewhere_error_);
    has_elsewhere_error_.store(false, std::memory_order_relaxed);
  }
  return last_error_.c_str();
}

tuttiResult_t Communicator::async_error() const noexcept {
  try {
    if (const auto failure = transport_->failure()) return failure->code();
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (transport_->peer_state(peer) == PeerState::kDead) return tuttiRemoteError;
    }
  } catch (const std::exception&) {
    return tuttiSystemError;
  }
  return channel_->cancelled() ? tuttiAborted : tuttiSuccess;
}

void Communicator::abort() noexcept {
  channel_->cancel();
  if (finalized_.load(std::memory_order_relaxed)) return;  // nobody waits for this rank any more
  transport_->abort(Error(
      tuttiRemoteError, fmt::format("rank {} of \"{}\" aborted", rank_, settings_.name), {rank_}));
}

void Communicator::await_idle() {
  // Acquire pairs with the release of the call's end.
  while (busy_.load(std::memory_order_acquire)) give_core_away();
  custody_.await_running();
}

void Communicator::release(Communicator* communicator) noexcept {
  const KeepFibre keep;
  if (communicator->custody_.release()) delete communicator;
}

}  // namespace tutti
