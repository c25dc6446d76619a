// MoE groups: configuration, memory, creation.
#include <tutti/moe.h>

#include <algorithm>
#include <numeric>

#include "api/boundary.hpp"
#include "api/moe_handles.hpp"
#include "communicator/children.hpp"

using tutti::fail;
using tutti::api::call;
using tutti::api::guarded;
using tutti::api::need;
using tutti::moe::Config;

namespace {

// Every rank compares what all ranks gave, so that all find the same.
void compare_configurations(tuttiComm& communicator, const Config& config) {
  std::vector<tutti::moe::AgreedValues> all(static_cast<std::size_t>(communicator.ranks()));
  const tutti::Request request{.kind = tutti::OperationKind::kAllGather,
                               .send = reinterpret_cast<const std::byte*>(&config.agreed),
                               .recv = reinterpret_cast<std::byte*>(all.data()),
                               .count = sizeof(config.agreed),
                               .type = tuttiUint8};
  communicator.execute(communicator.issue(request, tuttiSum), request);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const auto [mine, theirs] = std::mismatch(all[0].begin(), all[0].end(), all[rank].begin());
    if (mine == all[0].end()) continue;
    const auto field = static_cast<std::size_t>(mine - all[0].begin());
    tutti::fail_because_of({static_cast<int>(rank)}, tuttiMismatch,
                           "ranks 0 and {} make a MoE group with different {}", rank,
                           tutti::moe::kAgreedFields[field]);
  }
}

}  // namespace

void tuttiMoeGroup::close_old_updates() {
  tutti::Channel& channel = communicator->channel();
  for (tuttiMoePlan* plan : plans) {
    if (!plan->unheard) continue;
    const auto behind = static_cast<std::int64_t>(channel.next() - *plan->unheard);
    if (behind < static_cast<std::int64_t>(channel.ahead())) continue;
    communicator->guarded([&] { plan->plan.hear(); });
    plan->unheard.reset();
  }
}

tutti::Operation tuttiMoeGroup::begin(const tutti::OperationShape& shape, int tokens) {
  close_old_updates();
  return communicator->issue(shape, static_cast<std::uint64_t>(tokens));
}

tuttiResult_t tuttiMoeQueryMemory(const tuttiMoeConfig_t* config, int nranks,
                                  tuttiMoeMemory_t* memory) {
  return guarded(nullptr, [&] {
    need(memory, "memory");
    *memory = tutti::moe::query_memory(Config::checked(config, nranks), nranks);
  });
}

tuttiResult_t tuttiMoeGroupCreate(tuttiComm_t comm, const tuttiMoeConfig_t* config,
                                  tuttiMoeGroup_t* group) {
  return call(comm, [&] {
    need(group, "group");
    *group = nullptr;
    Config checked = Config::checked(config, comm->ranks());
    tutti::Settings settings = comm->settings();
    settings.name += "/moe";
    settings.concurrent = true;  // updates stay open while later operations of other plans finish
    if (config->timeout_ms != TUTTI_CONFIG_UNDEF_INT) {
      if (config->timeout_ms <= 0) {
        fail(tuttiInvalidArgument, "config->timeout_ms is {}, expected more than 0",
             config->timeout_ms);
      }
      settings.timeout = std::chrono::milliseconds(config->timeout_ms);
    }
    const tutti::CallNote note(tutti::api::facts_of(*comm, "MoeGroupCreate"));
    std::vector<tutti::Rank> everyone(static_cast<std::size_t>(comm->ranks()));
    std::iota(everyone.begin(), everyone.end(), 0);
    auto duplicate = tutti::make_child(*comm, everyone, tutti::SetupPurpose::kDuplicate, settings);
    compare_configurations(*duplicate, checked);
    duplicate->note_algorithm("");
    *group = std::make_unique<tuttiMoeGroup>(
                 tuttiMoeGroup{
                     .config = std::move(checked),
                     .communicator = decltype(tuttiMoeGroup::communicator)(duplicate.release())})
                 .release();
  });
}

tuttiResult_t tuttiMoeGroupDestroy(tuttiMoeGroup_t group) {
  if (group == nullptr) return tuttiSuccess;
  const tuttiResult_t result = call(group->communicator.get(), [&] {
    if (!group->plans.empty()) {
      fail(tuttiInvalidUsage, "the group still has {} plans: destroy them first",
           group->plans.size());
    }
  });
  if (result == tuttiSuccess) delete group;
  return result;
}

const char* tuttiMoeGetLastError(tuttiMoeGroup_t group) {
  return tuttiGetLastError(group != nullptr ? group->communicator.get() : nullptr);
}

tuttiResult_t tuttiMoeGetAlgorithm(tuttiMoeGroup_t group, const char** name) {
  return guarded(nullptr, [&] {
    need(group, "group");
    need(name, "name");
    *name = group->communicator->algorithm();
  });
}

tuttiResult_t tuttiMoeLocalExperts(tuttiMoeGroup_t group, int* count, const int** experts) {
  return guarded(nullptr, [&] {
    need(group, "group");
    need(count, "count");
    const auto mine = group->config.placement.experts_of(group->communicator->rank());
    *count = static_cast<int>(mine.size());
    if (experts != nullptr) *experts = mine.data();
  });
}

tuttiResult_t tuttiMoeRecvBound(tuttiMoeGroup_t group, tuttiMoeLayout_t layout, int align,
                                size_t* rows) {
  return guarded(nullptr, [&] {
    need(group, "group");
    need(rows, "rows");
    if (align < 0) fail(tuttiInvalidArgument, "align is {}, expected 0 or more", align);
    const Config& config = group->config;
    *rows = tutti::moe::max_rows(config.sizes(group->communicator->rank()),
                                 tutti::moe::layout_of(layout, config.rows_per, align));
  });
}

tuttiResult_t tuttiMoeBuffer(tuttiMoeGroup_t group, size_t bytes, void** buffer) {
  return guarded(nullptr, [&] {
    need(group, "group");
    need(buffer, "buffer");
    group->buffers.emplace_back(bytes, tutti::Heap::for_payload());
    *buffer = group->buffers.back().data();
  });
}
