// Rank tables: both forms, what is refused, and who a process is by them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bootstrap/launchers/find_world.hpp"
#include "bootstrap/launchers/rank_table_file.hpp"
#include "bootstrap/unique_id.hpp"
#include "launch_variables.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using test::error_of;
using test::says;

TEST(RankTable, SaysWhichRanksAreWhere) {
  const RankTable table = parse_rank_table(
      R"({"hosts": [{"address": "10.0.0.1", "ranks": [2, 0]}, {"address": "b", "ranks": [1]}],
          "port": 6000})");
  EXPECT_EQ(table.ranks, 3);
  EXPECT_EQ(table.port, 6000);
  EXPECT_EQ(table.host_of(0).address, "10.0.0.1");
  EXPECT_EQ(table.host_of(1).address, "b");
  EXPECT_EQ(table.hosts[0].ranks, (std::vector<Rank>{2, 0}));
}

TEST(RankTable, ReadsHcclsForm) {
  const RankTable table = parse_rank_table(
      R"({"status": "completed", "version": "1.0", "server_count": "2", "server_list": [
          {"server_id": "10.0.0.1", "device": [
            {"device_id": "1", "device_ip": "192.168.1.9", "rank_id": "1"},
            {"device_id": "0", "device_ip": "192.168.1.8", "rank_id": "0"}]},
          {"server_id": "10.0.0.2", "device": [
            {"device_id": "0", "device_ip": "192.168.1.7", "rank_id": "2"}]}]})");
  EXPECT_EQ(table.ranks, 3);
  EXPECT_EQ(table.port, std::nullopt);
  EXPECT_EQ(table.hosts[0].ranks, (std::vector<Rank>{0, 1}));
  EXPECT_EQ(table.host_of(2).address, "10.0.0.2");
}

TEST(RankTable, RefusalsSayWhatIsWrong) {
  for (const auto& [text, words] :
       {std::pair("", "not JSON"), std::pair("{\"hosts\": [", "not JSON"),
        std::pair("[]", "not an object"), std::pair("{}", "the table has no \"hosts\""),
        std::pair(R"({"hosts": []})", "not a list with something in it"),
        std::pair(R"({"hosts": [7]})", "\"hosts\"[0] is not an object"),
        std::pair(R"({"hosts": [{"ranks": [0]}]})", "\"hosts\"[0] has no \"address\""),
        std::pair(R"({"hosts": [{"address": 7, "ranks": [0]}]})", "\"address\" of \"hosts\"[0]"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [-1]}]})", "no number from 0 to 65535"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [18446744073709551615]}]})",
                  "no number from 0"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [0.5]}]})", "no number from 0"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [0, 0]}]})", "rank 0 is there twice"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [0, 2]}]})", "rank 1 is missing"),
        std::pair(R"({"hosts": [{"address": "a", "ranks": [0]}], "port": 0})",
                  "\"port\" is no number from 1 to 65535"),
        std::pair(R"({"version": "1.2", "server_list": []})", "version 1.0 is read, not \"1.2\""),
        std::pair(R"({"server_list": [{"server_id": "a", "device": [{"rank_id": "0"}]}]})",
                  "has no \"device_id\""),
        std::pair(R"({"server_list": [{"server_id": "a",
                      "device": [{"device_id": "0", "rank_id": "0x"}]}]})",
                  "no number")}) {
    const Error error = error_of([&] { parse_rank_table(text); });
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    EXPECT_TRUE(says(error, words)) << text << ": " << error.what();
  }
}

class RankTableOfWorld : public testing::Test {
 protected:
  RankTableOfWorld() { set("TUTTI_RANK_TABLE", file_); }
  ~RankTableOfWorld() override { std::filesystem::remove(file_); }

  void set(const char* name, const std::string& value) { variables_.set(name, value); }
  void write(const std::string& text) { std::ofstream(file_) << text; }
  static World found() { return find_world(std::chrono::milliseconds(1)); }

 private:
  test::LaunchVariables variables_;
  const std::string file_ =
      testing::TempDir() + "rank_table_" + std::to_string(::getpid()) + ".json";
};

TEST_F(RankTableOfWorld, ARankIsNumberedOnItsHost) {
  write(R"({"hosts": [{"address": "192.0.2.77", "ranks": [0]},
                      {"address": "127.0.0.1", "ranks": [2, 1]}], "port": 6000})");
  set("TUTTI_LOCAL_RANK", "0");
  const World world = found();
  EXPECT_EQ(world.rank, 2);
  EXPECT_EQ(world.ranks, 3);
  EXPECT_TRUE(world.awaited);
  EXPECT_EQ(address_of(unpack(world.id)), "192.0.2.77:6000");
}

TEST_F(RankTableOfWorld, TheMeetingPortIsWhereTheVariableSays) {
  write(R"({"hosts": [{"address": "192.0.2.77", "ranks": [0, 1]}]})");
  set("TUTTI_RANK", "1");
  EXPECT_EQ(address_of(unpack(found().id)), "192.0.2.77:28884");
  set("TUTTI_MEETING_PORT", "7000");
  EXPECT_EQ(address_of(unpack(found().id)), "192.0.2.77:7000");
}

TEST_F(RankTableOfWorld, WhoCannotBeFoundIsTold) {
  write(R"({"hosts": [{"address": "192.0.2.77", "ranks": [0, 1]}]})");
  const auto complains = [](const char* words) {
    const Error error = error_of([] { found(); });
    EXPECT_TRUE(says(error, words)) << error.what();
  };
  complains("neither TUTTI_RANK (the rank) nor TUTTI_LOCAL_RANK");
  set("TUTTI_LOCAL_RANK", "0");
  complains("no host of it is this one");
  set("TUTTI_RANK", "2");
  complains("TUTTI_RANK='2': expected a number from 0 to 1");
  set("TUTTI_RANK_TABLE", "/nowhere/table.json");
  complains("TUTTI_RANK_TABLE='/nowhere/table.json': No such file or directory");
}

}  // namespace
}  // namespace tutti
