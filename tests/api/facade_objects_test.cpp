// The C++ facade: groups, memory, operators, and communicators made of others.
#include "facade.hpp"

namespace tutti_test {
namespace {

TEST(Facade, MessagesPassBetweenTwoRanks) {
  on_ranks(2, [](Communicator& comm) {
    Values message{static_cast<float>(comm.rank() + 1)};
    if (comm.rank() == 0) comm.send(message, 1);
    if (comm.rank() == 1) comm.recv(message, 0);
    EXPECT_EQ(message, Values{1});
    comm.finalize();
  });
}

TEST(Facade, AGroupRunsItsCallsTogether) {
  on_ranks(2, [](Communicator& comm) {
    const int peer = 1 - comm.rank();
    const Values out{static_cast<float>(comm.rank())};
    Values in{-1};
    tutti::Group group;
    comm.send(out, peer);
    comm.recv(in, peer);
    group.commit();
    EXPECT_EQ(in, Values{static_cast<float>(peer)});
  });
}

TEST(Facade, OperatorsOfOnesOwnScaleTheirInput) {
  on_ranks(2, [](Communicator& comm) {
    const auto scaled = comm.pre_mul_sum(10.0f);
    Values values(4, 1.5f);
    comm.all_reduce(values, values, scaled);
    EXPECT_EQ(values, Values(4, 30.0f));
  });
}

TEST(Facade, BuffersAreRegisteredAndFreed) {
  on_ranks(2, [](Communicator& comm) {
    tutti::Buffer<float> shared(1024);
    EXPECT_EQ(shared.size(), 1024u);
    EXPECT_EQ(shared[1023], 0.0f);
    {
      auto window = comm.register_window(std::as_writable_bytes(shared.span()));
      EXPECT_NE(window.get(), nullptr);
      EXPECT_EQ(code_of([&] { shared.free(); }), tuttiInvalidUsage);
      comm.all_reduce(shared, shared);
      window.release();
    }
    Values plain(1024);
    auto registration = comm.register_memory(std::as_writable_bytes(std::span(plain)));
    comm.all_reduce(plain, plain);
    registration.release();
    comm.barrier();
    shared.free();
    EXPECT_EQ(shared.data(), nullptr);
  });
}

TEST(Facade, CommunicatorsSplitAndShrink) {
  on_ranks(3, [](Communicator& comm) {
    const bool last = comm.rank() == 2;
    auto part = comm.split(last ? TUTTI_SPLIT_NOCOLOR : 0, -comm.rank());
    EXPECT_EQ(part.has_value(), !last);
    if (part) {
      EXPECT_EQ(part->size(), 2);
      EXPECT_EQ(part->rank(), 1 - comm.rank());
    }
    if (!last) {
      Communicator others =
          comm.shrink(std::array{2}, TUTTI_SHRINK_DEFAULT,
                      tutti::Config{.timeout = std::chrono::seconds(20), .name = "others"});
      EXPECT_EQ(others.size(), 2);
      others.destroy();
    }
  });
}

}  // namespace
}  // namespace tutti_test
