// The conversation, with a launcher that is a thread of the test, honest or not.
#include "bootstrap/launchers/pmi_session.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>

#include "base/descriptor.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::says;

PmiSession::Deadline soon() { return std::chrono::steady_clock::now() + 10s; }

// Answers each request by the text that is kept for its command; "" hangs up, no entry is silence.
class Launcher {
 public:
  using Answers = std::map<std::string, std::string>;

  explicit Launcher(Answers answers) : answers_(std::move(answers)) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    mine_ = Descriptor(ends[0]);
    theirs_ = Descriptor(ends[1]);
    thread_ = std::thread([this] { serve(); });
  }
  ~Launcher() {
    theirs_.close();
    thread_.join();
  }

  static Answers honest(const std::string& most = "1024") {
    return {{"init", "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n"},
            {"get_maxes", "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=" + most + "\n"},
            {"get_my_kvsname", "cmd=my_kvsname kvsname=kvs_1\n"},
            {"barrier_in", "cmd=barrier_out rc=0\n"},
            {"finalize", "cmd=finalize_ack\n"}};
  }

  int descriptor() const { return theirs_.get(); }
  int puts() const { return puts_; }
  bool finalized() const { return finalized_; }

 private:
  void serve() {
    std::string input;
    char chunk[4096];
    for (ssize_t got = 0; (got = ::read(mine_.get(), chunk, sizeof(chunk))) > 0;) {
      input.append(chunk, static_cast<std::size_t>(got));
      for (auto end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
        if (!answer(input.substr(0, end))) return mine_.close();
        input.erase(0, end + 1);
      }
    }
  }

  bool answer(const std::string& request) {
    const auto message = PmiMessage::parse(request);
    if (!message) return false;
    const std::string command(message->command());
    std::string text;
    if (const auto found = answers_.find(command); found != answers_.end()) {
      text = found->second;
      if (text.empty()) return false;
    } else if (command == "put") {
      ++puts_;
      values_[std::string(*message->find("key"))] = *message->find("value");
      text = "cmd=put_result rc=0 msg=success\n";
    } else if (command == "get") {
      const auto value = values_.find(std::string(*message->find("key")));
      text = value == values_.end() ? "cmd=get_result rc=-1 msg=key_not_found\n"
                                    : "cmd=get_result rc=0 value=" + value->second + "\n";
    }
    finalized_ = finalized_ || command == "finalize";
    return ::send(mine_.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  }

  const Answers answers_;
  Descriptor mine_, theirs_;
  std::map<std::string, std::string> values_;
  std::atomic<int> puts_{0};
  std::atomic<bool> finalized_{false};
  std::thread thread_;
};

TEST(PmiSession, GetsWhatWasPut) {
  Launcher launcher(Launcher::honest());
  {
    PmiSession session(launcher.descriptor(), soon());
    session.put("key", "value", soon());
    session.barrier(soon());
    EXPECT_EQ(session.get("key", 5, soon()), "value");
  }
  EXPECT_EQ(launcher.puts(), 1);
  EXPECT_TRUE(launcher.finalized());
}

TEST(PmiSession, LongValuesTravelInPieces) {
  Launcher launcher(Launcher::honest("64"));
  PmiSession session(launcher.descriptor(), soon());
  std::string value;
  for (int i = 0; i < 256; ++i) value += static_cast<char>('a' + i % 26);
  session.put("key", value, soon());
  EXPECT_EQ(session.get("key", value.size(), soon()), value);
  EXPECT_EQ(launcher.puts(), 5);  // 63 bytes each
}

// The failure of putting and getting with a launcher that answers one command by `text`.
Error failure_with(const std::string& command, const std::string& text,
                   std::chrono::milliseconds patience = 10s) {
  auto answers = Launcher::honest();
  answers[command] = text;
  Launcher launcher(answers);
  return error_of([&] {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    PmiSession session(launcher.descriptor(), deadline);
    session.put("key", "value", deadline);
    session.barrier(deadline);
    session.get("key", 5, deadline);
  });
}

TEST(PmiSession, NamesWhatTheLauncherDoesWrong) {
  for (const auto& [command, text, words] :
       {std::tuple("init", "", "has closed the conversation"),
        std::tuple("init", "garbage\n", "something that is not PMI-1"),
        std::tuple("init", "cmd=barrier_out\n", "answers 'barrier_out' where 'response_to_init'"),
        std::tuple("init", "cmd=response_to_init rc=-1 msg=no\n", "response_to_init: no (rc=-1)"),
        std::tuple("get_maxes", "cmd=maxes vallen_max=3\n", "takes values of 3 bytes"),
        std::tuple("get_maxes", "cmd=maxes vallen_max=99999999999\n", "takes values of 0 bytes"),
        std::tuple("get_my_kvsname", "cmd=my_kvsname\n", "does not say the name"),
        std::tuple("get", "cmd=get_result rc=0 value=longer_than_five\n", "is damaged"),
        std::tuple("get", "cmd=get_result rc=0\n", "is damaged"),
        std::tuple("get", "cmd=get_result rc=-1 msg=key_not_found\n", "key_not_found (rc=-1)")}) {
    const Error error = failure_with(command, text);
    EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
    EXPECT_TRUE(says(error, words)) << error.what();
  }
}

TEST(PmiSession, ALineWithoutEndIsRefused) {
  const Error error = failure_with("init", std::string(2 * PmiLine::kMostBytes, 'x'));
  EXPECT_TRUE(says(error, "a line without an end")) << error.what();
}

TEST(PmiSession, SilenceEndsAtTheDeadline) {
  const Error error = failure_with("barrier_in", "cmd=barrier", 100ms);
  EXPECT_EQ(error.code(), tuttiTimeout);
  EXPECT_TRUE(says(error, "no answer to 'cmd=barrier_in'")) << error.what();
}

TEST(PmiSession, AfterAFailureItIsOver) {
  Launcher launcher(Launcher::honest());
  PmiSession session(launcher.descriptor(), soon());
  EXPECT_EQ(error_of([&] { session.get("key", 5, soon()); }).code(), tuttiRemoteError);
  EXPECT_TRUE(says(error_of([&] { session.barrier(soon()); }), "has failed before"));
}

}  // namespace
}  // namespace tutti
