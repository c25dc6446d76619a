// Memory that other ranks read in place: the same all_reduce from std::vector and from
// tutti::Buffer.
//
//   tutti-run -n 2 03_zero_copy
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <tutti/tutti.hpp>
#include <vector>

namespace {

constexpr std::size_t kCount = 1 << 19;  // 2 MB of floats
constexpr int kRepeats = 20;

// Microseconds of the median all_reduce; every rank measures its own.
template <typename Values>
double time_of(tutti::Communicator& comm, const Values& send, Values& recv) {
  std::vector<double> times;
  for (int i = 0; i < kRepeats; ++i) {
    comm.barrier();
    const auto start = std::chrono::steady_clock::now();
    comm.all_reduce(send, recv);
    const std::chrono::duration<double, std::micro> passed =
        std::chrono::steady_clock::now() - start;
    times.push_back(passed.count());
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

int run() {
  auto comm = tutti::Communicator::world();

  // Any memory works; between processes it is copied on the way.
  std::vector<float> plain(kCount, 1.0f), plain_sum(kCount);
  const double copied = time_of(comm, plain, plain_sum);

  // From the shareable heap nothing is copied twice. Registering is optional: it maps the memory in
  // every peer now rather than at the first operation. Windows end before their memory.
  tutti::Buffer<float> shared(kCount), shared_sum(kCount);
  const auto window = comm.register_window(std::as_writable_bytes(shared.span()));
  std::fill(shared.begin(), shared.end(), 1.0f);
  const double in_place = time_of(comm, shared, shared_sum);

  const bool same = std::equal(shared_sum.begin(), shared_sum.end(), plain_sum.begin());
  if (comm.rank() == 0) {
    std::printf("2 MB on %d ranks: %.0f us from plain memory, %.0f us from Tutti's; %s results\n",
                comm.size(), copied, in_place, same ? "equal" : "DIFFERENT");
  }
  return same && shared_sum[0] == static_cast<float>(comm.size()) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const tutti::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
