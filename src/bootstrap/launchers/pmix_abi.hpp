// The part of PMIx's interface that is used here, declared as libpmix.so.2 has it since PMIx 2: the
// library is opened at run time, and nothing of PMIx is needed to build. A test compares this with
// PMIx's own header where that is installed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tutti::pmix {

using Status = int;
constexpr Status kSuccess = 0;
constexpr Status kDoneAtOnce = -157;  // PMIX_OPERATION_SUCCEEDED: no callback comes

constexpr std::uint32_t kEveryRank = UINT32_MAX - 1;  // PMIX_RANK_WILDCARD
constexpr std::uint8_t kGlobal = 3;                   // PMIX_GLOBAL
constexpr std::uint16_t kBool = 1;                    // PMIX_BOOL
constexpr std::uint16_t kString = 3;                  // PMIX_STRING
constexpr std::uint16_t kUint32 = 14;                 // PMIX_UINT32
constexpr const char* kJobSize = "pmix.job.size";
constexpr const char* kCollect = "pmix.collect";  // PMIX_COLLECT_DATA

struct Process {
  char name_space[256] = {};
  std::uint32_t rank = 0;
};

struct Value {
  std::uint16_t type = 0;
  union {
    bool flag;
    char* string;
    std::uint32_t uint32;
    std::uint64_t room[3];  // for the longest of PMIx's kinds
  } data = {.room = {}};
};

struct Info {
  char key[512] = {};
  std::uint32_t flags = 0;
  Value value;
};

// Functions, by their names in the library.
using Init = Status(Process* self, const Info* info, std::size_t count);
using Finalize = Status(const Info* info, std::size_t count);
using Put = Status(std::uint8_t scope, const char* key, Value* value);
using Commit = Status();
using Done = void(Status status, void* context);
using Fence = Status(const Process* processes, std::size_t count, const Info* info,
                     std::size_t infos, Done* done, void* context);
using Got = void(Status status, Value* value, void* context);
using Get = Status(const Process* process, const char* key, const Info* info, std::size_t infos,
                   Got* got, void* context);
using ErrorText = const char*(Status status);

}  // namespace tutti::pmix
