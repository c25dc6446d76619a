// Who is detected, who is obeyed, and who contradicts whom.
#include "bootstrap/launchers/find_world.hpp"

#include <gtest/gtest.h>

#include "bootstrap/unique_id.hpp"
#include "launch_variables.hpp"
#include "tests/unit/bootstrap/thread_ranks.hpp"

namespace tutti {
namespace {

using test::error_of;
using test::says;

class FindWorld : public testing::Test {
 protected:
  void set(const char* name, const std::string& value) { variables_.set(name, value); }
  void set_tutti_run(const char* rank, const char* ranks) {
    set("TUTTI_RANK", rank);
    set("TUTTI_WORLD_SIZE", ranks);
    set("TUTTI_UNIQUE_ID", encode(pack(id_of({.port = 9, .bytes = {127, 0, 0, 1}}, {}))));
  }
  void set_torchrun(const char* rank, const char* ranks) {
    set("RANK", rank);
    set("WORLD_SIZE", ranks);
    set("MASTER_ADDR", "127.0.0.1");
    set("MASTER_PORT", "6001");
  }
  void set_pmi(const char* rank, const char* ranks) {
    set("PMI_RANK", rank);
    set("PMI_SIZE", ranks);
    set("PMI_FD", "1000");
  }
  static Error failure() {
    return error_of([] { find_world(std::chrono::seconds(1)); });
  }
  static World found() { return find_world(std::chrono::seconds(1)); }

 private:
  test::LaunchVariables variables_;
};

TEST_F(FindWorld, WithoutAnyLauncherAllAreNamed) {
  const Error error = failure();
  EXPECT_EQ(error.code(), tuttiInvalidUsage);
  EXPECT_TRUE(says(error, "tutti, rank_table, torchrun, pmix, pmi, kubernetes")) << error.what();
}

TEST_F(FindWorld, ReadsTuttiRunsVariables) {
  set_tutti_run("1", "3");
  const World world = found();
  EXPECT_EQ(world.rank, 1);
  EXPECT_EQ(world.ranks, 3);
  EXPECT_FALSE(world.awaited);
}

TEST_F(FindWorld, DifferentRanksAreAContradictionThatNamesBoth) {
  set_tutti_run("0", "2");
  set_pmi("1", "2");
  const Error error = failure();
  EXPECT_EQ(error.code(), tuttiInvalidUsage);
  for (const char* words : {"tutti-run says that this process is rank 0 of 2 (TUTTI_RANK=0",
                            "PMI-1 (MPICH) says rank 1 of 2 (PMI_RANK=1", "TUTTI_BOOTSTRAP=tutti",
                            "TUTTI_BOOTSTRAP=pmi"}) {
    EXPECT_TRUE(says(error, words)) << error.what();
  }
}

TEST_F(FindWorld, DifferentSizesAreAContradiction) {
  set_torchrun("0", "2");
  set("PMIX_RANK", "0");
  set("PMIX_NAMESPACE", "job");
  set("OMPI_COMM_WORLD_SIZE", "4");
  EXPECT_TRUE(says(failure(), "PMIx (Open MPI, Slurm) says rank 0 of 4")) << failure().what();
}

TEST_F(FindWorld, LaunchersThatAgreeAreNoContradiction) {
  set_tutti_run("1", "3");
  set_pmi("1", "3");
  set("PMIX_RANK", "1");
  set("PMIX_NAMESPACE", "job");
  EXPECT_EQ(found().rank, 1);
}

TEST_F(FindWorld, TheChoiceSilencesTheOthers) {
  set_tutti_run("1", "3");
  set_pmi("0", "1");
  set("TUTTI_BOOTSTRAP", "tutti");
  EXPECT_EQ(found().rank, 1);
}

TEST_F(FindWorld, ATorchrunThatStartedThisProcessIsWithinTheOtherWorld) {
  set_torchrun("3", "4");
  set("PMIX_RANK", "1");
  set("PMIX_NAMESPACE", "job");
  set("OMPI_COMM_WORLD_SIZE", "2");
  EXPECT_TRUE(says(failure(), "contradict"));
  set("TORCHELASTIC_RUN_ID", "none");
  const World world = found();
  EXPECT_EQ(world.rank, 3);
  EXPECT_EQ(world.ranks, 4);
  EXPECT_TRUE(world.awaited);
}

TEST_F(FindWorld, AnUnknownChoiceIsQuoted) {
  set("TUTTI_BOOTSTRAP", "slurm");
  const Error error = failure();
  EXPECT_EQ(error.code(), tuttiInvalidArgument);
  EXPECT_TRUE(says(error, "TUTTI_BOOTSTRAP='slurm': expected one of tutti")) << error.what();
}

// What each launcher lacks when it is chosen and not there.
TEST_F(FindWorld, AChosenLauncherNamesWhatIsMissing) {
  for (const auto& [choice, missing] :
       {std::pair("tutti", "TUTTI_WORLD_SIZE"), std::pair("rank_table", "TUTTI_RANK_TABLE"),
        std::pair("torchrun", "WORLD_SIZE"), std::pair("pmix", "PMIX_NAMESPACE"),
        std::pair("pmi", "PMI_SIZE"), std::pair("kubernetes", "TUTTI_WORLD_SIZE")}) {
    set("TUTTI_BOOTSTRAP", choice);
    const Error error = failure();
    EXPECT_EQ(error.code(), tuttiInvalidUsage);
    EXPECT_TRUE(says(error, std::string(missing) + " is not set")) << error.what();
  }
}

TEST_F(FindWorld, MalformedVariablesAreQuoted) {
  set_torchrun("4", "4");
  EXPECT_TRUE(says(failure(), "RANK='4': expected a number from 0 to 3")) << failure().what();
  set_torchrun("0", "4");
  set("MASTER_PORT", "http");
  EXPECT_TRUE(says(failure(), "MASTER_PORT='http'")) << failure().what();
}

TEST_F(FindWorld, PodsNeedASecret) {
  set("JOB_COMPLETION_INDEX", "1");
  set("TUTTI_WORLD_SIZE", "2");
  set("TUTTI_MEETING_HOST", "127.0.0.1");
  EXPECT_TRUE(says(failure(), "neither TUTTI_SECRET nor TUTTI_SECRET_FILE is set"));
  set("TUTTI_SECRET", "of this test");
  EXPECT_EQ(found().rank, 1);
}

TEST_F(FindWorld, AMissingPmixLibraryIsNamed) {
  set("PMIX_RANK", "0");
  set("PMIX_NAMESPACE", "job");
  set("TUTTI_PMIX_LIBRARY", "/nowhere/libpmix.so");
  const Error error = failure();
  EXPECT_EQ(error.code(), tuttiSystemError);
  EXPECT_TRUE(says(error, "/nowhere/libpmix.so")) << error.what();
}

TEST_F(FindWorld, APmiDescriptorThatIsNoneIsAnError) {
  set_pmi("0", "1");
  const Error error = failure();
  EXPECT_EQ(error.code(), tuttiRemoteError);
  EXPECT_TRUE(says(error, "descriptor 1000 (PMI_FD): writing: Bad file descriptor"))
      << error.what();
}

}  // namespace
}  // namespace tutti
