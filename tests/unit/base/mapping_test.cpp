#include "base/mapping.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <tutti/error.hpp>

#include "base/clock.hpp"
#include "base/descriptor.hpp"

namespace tutti {
namespace {

constexpr std::size_t kPage = 4096;

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

Descriptor memory_file(std::size_t bytes) {
  Descriptor file(memfd_create("tutti-test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
  return file;
}

TEST(Descriptor, IsClosedOnceByItsLastOwner) {
  Descriptor first = memory_file(4096);
  const int fd = first.get();
  Descriptor second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): it is what is tested
  EXPECT_EQ(second.get(), fd);
  second = memory_file(4096);
  EXPECT_FALSE(is_open(fd) && second.get() != fd);
  const int last = second.get();
  second.close();
  EXPECT_FALSE(is_open(last));
}

TEST(Mapping, TwoMappingsOfOneFileShareTheirBytes) {
  const Descriptor file = memory_file(8192);
  const Mapping a = Mapping::shared(file.get(), 0, 8192, {}, "test");
  const Mapping b = Mapping::shared(file.get(), 4096, 4096, {.writable = false}, "test");
  a.data()[4096 + 17] = std::byte{42};
  EXPECT_EQ(b.data()[17], std::byte{42});
}

TEST(Mapping, GatheredPiecesLieSideBySide) {
  const Descriptor file = memory_file(5 * kPage);
  const Mapping whole = Mapping::shared(file.get(), 0, 5 * kPage, {}, "test");
  const Mapping pieces = Mapping::gathered(
      file.get(), {.first = kPage, .stride = 2 * kPage, .bytes = kPage, .count = 2}, "test");
  EXPECT_EQ(pieces.size(), std::size_t{2 * kPage});
  whole.data()[kPage] = std::byte{1};
  whole.data()[3 * kPage + 5] = std::byte{2};
  EXPECT_EQ(pieces.data()[0], std::byte{1});
  EXPECT_EQ(pieces.data()[kPage + 5], std::byte{2});
  pieces.data()[2 * kPage - 1] = std::byte{3};
  EXPECT_EQ(whole.data()[4 * kPage - 1], std::byte{3});
}

TEST(Mapping, SparseMemoryBehindAFileIsThisMappingsAlone) {
  const Descriptor file = memory_file(4096);
  constexpr std::size_t kBehind = std::size_t{1} << 30;
  const auto map = [&] {
    return Mapping::shared(file.get(), 0, 4096, {.sparse_behind = kBehind}, "test");
  };
  const Mapping a = map(), b = map();
  EXPECT_EQ(a.size(), 4096 + kBehind);
  a.data()[4095] = std::byte{1};
  a.data()[4096] = std::byte{2};
  a.data()[a.size() - 1] = std::byte{3};
  EXPECT_EQ(b.data()[4095], std::byte{1});
  EXPECT_EQ(b.data()[4096], std::byte{0});
  EXPECT_EQ(b.data()[b.size() - 1], std::byte{0});
  discard(a.data() + 4096, kBehind);
  EXPECT_EQ(a.data()[4096], std::byte{0});
}

TEST(Mapping, HonoursAlignment) {
  const Descriptor file = memory_file(8192);
  constexpr std::size_t kAlignment = std::size_t{1} << 21;
  for (int i = 0; i < 4; ++i) {
    const Mapping mapping = Mapping::shared(file.get(), 0, 8192, {.alignment = kAlignment}, "test");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapping.data()) % kAlignment, 0u);
    mapping.data()[8191] = std::byte{1};
  }
}

TEST(Mapping, IsAbsentInAForkedChild) {
  const Descriptor file = memory_file(4096);
  const Mapping mapping = Mapping::shared(file.get(), 0, 4096, {}, "test");
  const pid_t child = fork();
  if (child == 0) {
    unsigned char resident = 0;
    _exit(mincore(mapping.data(), 4096, &resident) != 0 && errno == ENOMEM ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Mapping, AFailureNamesWhatWasMapped) {
  try {
    Mapping::shared(-1, 0, 4096, {}, "the control window");
    FAIL() << "mapped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
    EXPECT_NE(std::string(error.what()).find("4096 bytes for the control window"),
              std::string::npos);
  }
}

TEST(SteadyClock, NeverGoesBack) {
  SteadyClock clock;
  Clock& as_contract = clock;
  const Nanoseconds first = as_contract.now();
  EXPECT_GT(first.count(), 0);
  EXPECT_GE(as_contract.now(), first);
}

}  // namespace
}  // namespace tutti
