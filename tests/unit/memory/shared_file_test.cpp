#include "memory/shared_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <tutti/error.hpp>

#include "base/mapping.hpp"

namespace tutti {
namespace {

std::string failure_of(const SharedFileHandle& handle) {
  try {
    open_shared(handle);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
    return error.what();
  }
  return "no error";
}

std::size_t backed_bytes(const Descriptor& file) {
  struct stat status {};
  EXPECT_EQ(fstat(file.get(), &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

TEST(SharedFile, APeerOpensItByItsHandle) {
  const Descriptor file = create_shared("tutti-test", 8192);
  const Mapping mine = Mapping::shared(file.get(), 0, 8192, {}, "test");
  mine.data()[5000] = std::byte{77};
  const SharedFileHandle handle = handle_of(file);
  EXPECT_EQ(handle.bytes, 8192u);
  const Descriptor again = open_shared(handle);
  const Mapping theirs = Mapping::shared(again.get(), 0, 8192, {}, "test");
  EXPECT_EQ(theirs.data()[5000], std::byte{77});
}

TEST(SharedFile, AnotherFileBehindTheDescriptorIsNoticed) {
  Descriptor file = create_shared("tutti-test", 4096);
  const SharedFileHandle handle = handle_of(file);
  file.close();
  const Descriptor other = create_shared("tutti-other", 4096);
  ASSERT_EQ(other.get(), handle.fd) << "the descriptor's number was not used again";
  EXPECT_NE(failure_of(handle).find("is not the memory that process"), std::string::npos);
}

TEST(SharedFile, AShorterFileThanAnnouncedIsNoticed) {
  const Descriptor file = create_shared("tutti-test", 4096);
  SharedFileHandle handle = handle_of(file);
  handle.bytes = 8192;
  EXPECT_NE(failure_of(handle).find("announced"), std::string::npos);
}

TEST(SharedFile, AnEndedProcessIsNamed) {
  const Descriptor file = create_shared("tutti-test", 4096);
  SharedFileHandle handle = handle_of(file);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  handle.pid = child;
  const std::string message = failure_of(handle);
  EXPECT_NE(message.find("process " + std::to_string(child)), std::string::npos) << message;
  EXPECT_NE(message.find("has ended"), std::string::npos) << message;
}

TEST(SharedFile, WithoutPermissionTheErrorSaysWhatIsNeeded) {
  if (getuid() != 0) GTEST_SKIP() << "changing the user needs root";
  const Descriptor file = create_shared("tutti-test", 4096);
  const SharedFileHandle handle = handle_of(file);
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
    const std::string message = failure_of(handle);
    _exit(message.find("same user") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SharedFile, BackedMemoryIsTakenAndGivenBack) {
  const Descriptor file = create_shared("tutti-test", std::size_t{1} << 30);
  const Mapping mapping = Mapping::shared(file.get(), 0, std::size_t{1} << 30, {}, "test");
  EXPECT_EQ(backed_bytes(file), 0u);
  back_with_memory(file, 4096, 65536, "a test");
  EXPECT_EQ(backed_bytes(file), 65536u);
  mapping.data()[4096] = std::byte{1};
  give_memory_back(file, 4096, 65536);
  EXPECT_EQ(backed_bytes(file), 0u);
  EXPECT_EQ(mapping.data()[4096], std::byte{0});
}

TEST(SharedFile, MoreThanIsAvailableIsAnErrorWithBothSizes) {
  constexpr std::size_t kHuge = std::size_t{1} << 50;
  const Descriptor file = create_shared("tutti-test", kHuge);
  try {
    back_with_memory(file, 0, kHuge, "the test");
    FAIL() << "backed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
    EXPECT_NE(std::string(error.what()).find("the test needs " + std::to_string(kHuge) + " bytes"),
              std::string::npos);
  }
  EXPECT_EQ(backed_bytes(file), 0u);
}

}  // namespace
}  // namespace tutti
