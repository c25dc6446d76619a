// The sweep of a collective over types, operators and sizes.
#include <algorithm>
#include <cstring>

#include "base/data_type.hpp"
#include "perf/tutti_perf/library.hpp"
#include "perf/tutti_perf/operation.hpp"
#include "perf/tutti_perf/sample.hpp"
#include "perf/tutti_perf/session.hpp"
#include "perf/tutti_perf/verify.hpp"

namespace tutti::perf {
namespace {

constexpr int kPoison = 0xa5;

// Send and receive buffer in one piece, registered once.
class Buffers {
 public:
  Buffers(tuttiComm_t comm, std::size_t bytes_each, bool symmetric)
      : distance_((bytes_each + kPage - 1) / kPage * kPage),
        memory_(comm, 2 * distance_, symmetric) {}

  std::byte* send() const { return memory_.get(); }
  std::byte* recv() const { return memory_.get() + (memory_.get() == nullptr ? 0 : distance_); }

 private:
  static constexpr std::size_t kPage = 4096;
  std::size_t distance_;
  Buffer memory_;
};

Row empty_row(const Session& session, const Case& c, bool in) {
  Row row{.bytes = c.shape.bytes,
          .per_peer_bytes = c.shape.per_peer_bytes,
          .count = c.shape.count,
          .type = c.op == Op::kBarrier ? "none" : name_of(c.type)};
  if (session.options.word == "all") row.op = std::string(op_name(c.op));
  if (uses_redop(c.op)) row.redop = name_of(c.redop);
  row.buffers = session.options.buffers();
  row.placement = in ? "in" : "out";
  row.oversubscribed = session.oversubscribed;
  return row;
}

// One more run, of fresh data into a poisoned buffer.
void run_checked(const Session& session, const Case& c, const Pointers& p, const Launch& launch,
                 Row& row) {
  const Options& options = session.options;
  if (!options.fabric.timing_only) {
    if (p.send != p.recv && received_elements(c) > 0) {
      std::memset(p.recv, kPoison, received_elements(c) * size_of(c.type));
    }
    fill_input(c, options.seed, p.send);  // after the poison: in place, the two overlap
  }
  check(tuttiBarrier(session.comm, nullptr), session.comm);
  check(launch(), session.comm);
  const char* algorithm = nullptr;
  check(tuttiCommGetAlgorithm(session.comm, &algorithm), session.comm);
  row.algorithm = algorithm;
  if (!options.algorithm.empty() && row.algorithm != options.algorithm) {
    throw Error(tuttiInvalidUsage, "--algorithm " + options.algorithm + " does not serve " +
                                       std::string(op_name(c.op)) + ": it ran " + row.algorithm);
  }
  if (options.check) {
    row.wrong = total(session.comm, count_wrong(c, options.seed, p.recv, session.reduced));
  }
}

Row measure(const Session& session, const Case& c, const Buffers& buffers, bool in) {
  const Pointers pointers =
      in ? in_place(c, buffers.send()) : Pointers{buffers.send(), buffers.recv()};
  const Launch launch(c, pointers, session.comm);
  Row row = empty_row(session, c, in);
  if (!session.options.fabric.timing_only) fill_input(c, session.options.seed, pointers.send);
  time_iterations(
      session, [&] { check(launch(), session.comm); }, row);
  run_checked(session, c, pointers, launch, row);
  row.algbw = static_cast<double>(c.shape.bytes) / row.time_us.p50 / 1e3;
  row.busbw = row.algbw * c.shape.bus_factor;
  session.keep(row);
  return row;
}

void measure_size(const Session& session, const Case& c, const Buffers& buffers) {
  session.console.show_progress(std::string(op_name(c.op)) + " " + name_of(c.type) + " " +
                                std::to_string(c.shape.bytes) + " B");
  const Row out = measure(session, c, buffers, false);
  std::optional<Row> in;
  if (runs_in_place(c.op)) in = measure(session, c, buffers, true);
  if (session.rank == 0) session.board.note_memory();
  session.console.print(out, in);
}

std::vector<tuttiDataType_t> types_of(const Options& options, Op op) {
  return op == Op::kBarrier ? std::vector{tuttiInt8} : options.types;
}

std::vector<tuttiRedOp_t> redops_of(const Options& options, Op op) {
  return uses_redop(op) ? options.redops : std::vector{tuttiSum};
}

std::vector<std::size_t> sizes_of(const Options& options, Op op) {
  return op == Op::kBarrier ? std::vector<std::size_t>{0} : sweep_sizes(options.sweep);
}

}  // namespace

std::size_t count_lines(const Options& options, Op op) {
  if (op == Op::kMoe) return 2;
  return types_of(options, op).size() * redops_of(options, op).size() *
         sizes_of(options, op).size();
}

void measure_collective(const Session& session, Op op) {
  const Options& options = session.options;
  const std::vector<std::size_t> sizes = sizes_of(options, op);
  const Buffers buffers(session.comm, sizes.back(), options.symmetric);
  session.console.begin(op, options.root);
  for (const tuttiDataType_t type : types_of(options, op)) {
    for (const tuttiRedOp_t redop : redops_of(options, op)) {
      for (const std::size_t bytes : sizes) {
        measure_size(session,
                     {.op = op,
                      .shape = shape_of(op, bytes, session.ranks, size_of(type)),
                      .type = type,
                      .redop = redop,
                      .root = options.root,
                      .rank = session.rank,
                      .ranks = session.ranks},
                     buffers);
      }
    }
  }
}

}  // namespace tutti::perf
