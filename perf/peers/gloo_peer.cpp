#include "perf/peers/gloo_peer.hpp"

#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/alltoall.h>
#include <gloo/alltoallv.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/math.h>
#include <gloo/reduce_scatter.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <algorithm>
#include <chrono>

namespace tutti::perf {
namespace {

// Gloo's inputs are not const; it does not write them.
template <class T>
T* unconst(const T* pointer) {
  return const_cast<T*>(pointer);
}

// Gloo's alltoallv takes parts that follow one another: offsets are sums of counts. A part that is
// left out (the rows that stay on their rank) would shift the rest, so it is sent as it lies and
// copied.
std::vector<std::int64_t> contiguous_counts(const Parts& parts, std::size_t own) {
  std::vector<std::int64_t> counts(parts.counts.begin(), parts.counts.end());
  if (parts.counts[own] == 0 && own + 1 < counts.size()) {
    counts[own] = parts.displacements[own + 1] - parts.displacements[own];
  }
  return counts;
}

}  // namespace

GlooPeer::GlooPeer(const Place& place) : place_(place) {
  gloo::transport::tcp::attr where;
  where.iface = "lo";
  auto device = gloo::transport::tcp::CreateDevice(where);
  auto context = std::make_shared<gloo::rendezvous::Context>(place.rank, place.ranks);
  context->setTimeout(std::chrono::seconds(60));
  gloo::rendezvous::FileStore store(place.meeting_folder);
  context->connectFullMesh(store, device);
  context_ = std::move(context);
}

GlooPeer::~GlooPeer() = default;

std::string GlooPeer::version() const { return TUTTI_GLOO_VERSION; }

void GlooPeer::run_prepared(Prepared wanted,
                            const std::function<std::function<void()>()>& prepare) {
  if (!(wanted == prepared_)) {
    wanted.run = prepare();
    prepared_ = std::move(wanted);
  }
  prepared_.run();
}

void GlooPeer::barrier() {
  gloo::BarrierOptions options(context_);
  gloo::barrier(options);
}

void GlooPeer::broadcast(float* buffer, std::size_t count) {
  run_prepared({.kind = 0, .in = buffer, .out = buffer, .count = count, .run = {}}, [&] {
    auto options = std::make_shared<gloo::BroadcastOptions>(context_);
    options->setOutput(buffer, count);
    options->setRoot(0);
    return [options] { gloo::broadcast(*options); };
  });
}

void GlooPeer::all_reduce(const float* in, float* out, std::size_t count) {
  run_prepared({.kind = 1, .in = in, .out = out, .count = count, .run = {}}, [&] {
    auto options = std::make_shared<gloo::AllreduceOptions>(context_);
    options->setInput(unconst(in), count);
    options->setOutput(out, count);
    options->setReduceFunction(
        [](void* c, const void* a, const void* b, std::size_t n) { gloo::sum<float>(c, a, b, n); });
    return [options] { gloo::allreduce(*options); };
  });
}

void GlooPeer::all_gather(const float* in, float* out, std::size_t in_count) {
  run_prepared({.kind = 2, .in = in, .out = out, .count = in_count, .run = {}}, [&] {
    auto options = std::make_shared<gloo::AllgatherOptions>(context_);
    options->setInput(unconst(in), in_count);
    options->setOutput(out, in_count * static_cast<std::size_t>(place_.ranks));
    return [options] { gloo::allgather(*options); };
  });
}

// Gloo reduces and scatters in place only: the input is copied into a work buffer each time.
void GlooPeer::reduce_scatter(const float* in, float* out, std::size_t out_count) {
  run_prepared({.kind = 3, .in = in, .out = out, .count = out_count, .run = {}}, [&] {
    const std::size_t all = out_count * static_cast<std::size_t>(place_.ranks);
    auto work = std::make_shared<std::vector<float>>(all);
    const std::vector<int> parts(static_cast<std::size_t>(place_.ranks),
                                 static_cast<int>(out_count));
    auto algorithm = std::make_shared<gloo::ReduceScatterHalvingDoubling<float>>(
        context_, std::vector<float*>{work->data()}, static_cast<int>(all), parts);
    return [work, algorithm, in, out, out_count, all] {
      std::copy_n(in, all, work->begin());
      algorithm->run();
      std::copy_n(work->begin(), out_count, out);
    };
  });
}

void GlooPeer::all_to_all(const float* in, float* out, std::size_t per_peer) {
  run_prepared({.kind = 4, .in = in, .out = out, .count = per_peer, .run = {}}, [&] {
    const std::size_t all = per_peer * static_cast<std::size_t>(place_.ranks);
    auto options = std::make_shared<gloo::AlltoallOptions>(context_);
    options->setInput(unconst(in), all);
    options->setOutput(out, all);
    return [options] { gloo::alltoall(*options); };
  });
}

void GlooPeer::exchange_counts(const int* in, int* out, std::size_t per_peer) {
  const std::size_t all = per_peer * static_cast<std::size_t>(place_.ranks);
  gloo::AlltoallOptions options(context_);
  options.setInput(unconst(in), all);
  options.setOutput(out, all);
  gloo::alltoall(options);
}

void GlooPeer::all_to_allv(const void* in, const Parts& in_parts, void* out,
                           const Parts& out_parts) {
  const auto own = static_cast<std::size_t>(place_.rank);
  gloo::AlltoallvOptions options(context_);
  options.setInput(unconst(static_cast<const char*>(in)), contiguous_counts(in_parts, own));
  options.setOutput(static_cast<char*>(out), contiguous_counts(out_parts, own));
  gloo::alltoallv(options);
}

std::vector<double> GlooPeer::gather(std::span<const double> values) {
  std::vector<double> all(values.size() * static_cast<std::size_t>(place_.ranks));
  gloo::AllgatherOptions options(context_);
  options.setInput(unconst(values.data()), values.size());
  options.setOutput(all.data(), all.size());
  gloo::allgather(options);
  return all;
}

}  // namespace tutti::perf
