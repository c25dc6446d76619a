// The C++ facade: streams and events.
#include "facade.hpp"

namespace tutti_test {
namespace {

TEST(Facade, StreamsRunInOrderAndEventsMarkTheirProgress) {
  on_ranks(2, [](Communicator& comm) {
    tutti::Stream stream, other;
    tutti::Event event;
    EXPECT_TRUE(event.reached());
    Values values(8, 1.0f);
    comm.all_reduce(values, values, tuttiSum, stream);
    stream.launch([&values] { values[0] += 1; });
    event.record(stream);
    other.wait(event);
    float seen = 0;
    other.launch([&] { seen = values[0]; });
    other.synchronize();
    event.synchronize();
    stream.synchronize();
    EXPECT_TRUE(event.reached());
    EXPECT_TRUE(stream.idle());
    EXPECT_EQ(seen, 3.0f);
  });
}

}  // namespace
}  // namespace tutti_test
