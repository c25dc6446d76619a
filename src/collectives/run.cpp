#include "collectives/run.hpp"

#include "collectives/all_reduce_assembly.hpp"
#include "collectives/all_reduce_line.hpp"
#include "collectives/all_reduce_one_shot.hpp"
#include "collectives/exchange.hpp"
#include "collectives/exchange_assembly.hpp"
#include "collectives/exchange_push.hpp"
#include "collectives/local.hpp"
#include "collectives/push.hpp"
#include "collectives/scatter_gather.hpp"
#include "collectives/two_level.hpp"
#include "collectives/two_shot.hpp"
#include "collectives/user_buffers.hpp"

namespace tutti {

void run_collective(const Operation& operation, const Request& request,
                    const AlgorithmChoice& choice, const Selection& selection) {
  operation.enter();
  if (operation.channel().watch() != nullptr) [[unlikely]] {
    for_user_buffers(request, operation.rank(), operation.ranks(),
                     [&](const std::byte* data, std::size_t bytes, bool written) {
                       operation.take(data, bytes, written);
                     });
  }
  operation.charge(LocalWork::entry());
  switch (choice.algorithm) {
    case Algorithm::kLocal:
      run_alone(operation, request);
      break;
    case Algorithm::kLine:
      all_reduce_line(operation, request);
      break;
    case Algorithm::kAssembly:
      if (reduces(request.kind)) {
        all_reduce_assembly(operation, request);
      } else {
        exchange_assembly(operation, request, selection);
      }
      break;
    case Algorithm::kOneShot:
      all_reduce_one_shot(operation, request);
      break;
    case Algorithm::kTwoShot:
      two_shot(operation, request);
      break;
    case Algorithm::kExchange:
      exchange(operation, request, selection);
      break;
    case Algorithm::kScatterGather:
      scatter_gather(operation, request);
      break;
    case Algorithm::kOneShotPush:
      one_shot_push(operation, request, choice.group);
      break;
    case Algorithm::kTwoShotPush:
      two_shot_push(operation, request, choice.group);
      break;
    case Algorithm::kRelay:
      relay(operation, request, choice.group);
      break;
    case Algorithm::kExchangePush:
      exchange_push(operation, request, choice.group);
      break;
    case Algorithm::kTwoLevel:
      two_level(operation, request, choice.group);
      break;
  }
  if (operation.channel().watch() != nullptr) [[unlikely]] {
    for_user_buffers(request, operation.rank(), operation.ranks(),
                     [&](const std::byte* data, std::size_t bytes, bool written) {
                       operation.give_back(data, bytes, written);
                     });
  }
  operation.finish();
}

}  // namespace tutti
