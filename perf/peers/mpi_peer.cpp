#include "perf/peers/mpi_peer.hpp"

#include <mpi.h>

#include <limits>
#include <stdexcept>
#include <string_view>

namespace tutti::perf {
namespace {

int as_int(std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::invalid_argument("MPI counts in int: " + std::to_string(count) + " is too large");
  }
  return static_cast<int>(count);
}

std::string library_version() {
  std::string text(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

MpiPeer::MpiPeer() {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
}

std::string MpiPeer::name() const { return TUTTI_PEER_NAME; }

// "Open MPI v4.1.4, ..." or "MPICH Version:\t4.0.2\n...": up to the first comma or line end.
std::string MpiPeer::version() const {
  std::string text = library_version();
  text.resize(std::min(text.size(), text.find_first_of(",\n")));
  std::string words;
  for (const char c : text) words += c == '\t' ? ' ' : c;
  return words;
}

void MpiPeer::barrier() { MPI_Barrier(MPI_COMM_WORLD); }

void MpiPeer::broadcast(float* buffer, std::size_t count) {
  MPI_Bcast(buffer, as_int(count), MPI_FLOAT, 0, MPI_COMM_WORLD);
}

void MpiPeer::all_reduce(const float* in, float* out, std::size_t count) {
  MPI_Allreduce(in, out, as_int(count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

void MpiPeer::all_gather(const float* in, float* out, std::size_t in_count) {
  const int n = as_int(in_count);
  MPI_Allgather(in, n, MPI_FLOAT, out, n, MPI_FLOAT, MPI_COMM_WORLD);
}

void MpiPeer::reduce_scatter(const float* in, float* out, std::size_t out_count) {
  MPI_Reduce_scatter_block(in, out, as_int(out_count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

void MpiPeer::all_to_all(const float* in, float* out, std::size_t per_peer) {
  const int n = as_int(per_peer);
  MPI_Alltoall(in, n, MPI_FLOAT, out, n, MPI_FLOAT, MPI_COMM_WORLD);
}

void MpiPeer::exchange_counts(const int* in, int* out, std::size_t per_peer) {
  const int n = as_int(per_peer);
  MPI_Alltoall(in, n, MPI_INT, out, n, MPI_INT, MPI_COMM_WORLD);
}

void MpiPeer::all_to_allv(const void* in, const Parts& in_parts, void* out,
                          const Parts& out_parts) {
  MPI_Alltoallv(in, in_parts.counts.data(), in_parts.displacements.data(), MPI_BYTE, out,
                out_parts.counts.data(), out_parts.displacements.data(), MPI_BYTE, MPI_COMM_WORLD);
}

std::vector<double> MpiPeer::gather(std::span<const double> values) {
  std::vector<double> all(values.size() * static_cast<std::size_t>(ranks_));
  const int n = as_int(values.size());
  MPI_Allgather(values.data(), n, MPI_DOUBLE, all.data(), n, MPI_DOUBLE, MPI_COMM_WORLD);
  return all;
}

}  // namespace tutti::perf
