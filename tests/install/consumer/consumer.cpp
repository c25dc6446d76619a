// A user of the C++ facade, installed: one rank in this process.
#include <tutti/tutti.hpp>

int main() {
  auto comms = tutti::Communicator::all(1);
  std::vector<float> values(3, 2.0f);
  comms[0].all_reduce(values, values);
  return values == std::vector<float>(3, 2.0f) ? 0 : 1;
}
