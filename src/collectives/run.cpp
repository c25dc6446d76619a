#include "collectives/run.hpp"

#include "collectives/all_reduce_assembly.hpp"
#include "collectives/all_reduce_line.hpp"
#include "collectives/all_reduce_one_shot.hpp"
#include "collectives/exchange.hpp"
#include "collectives/exchange_assembly.hpp"
#include "collectives/local.hpp"
#include "collectives/two_shot.hpp"

namespace tutti {

void run_collective(const Operation& operation, const Request& request, Algorithm algorithm,
                    const Selection& selection) {
  operation.charge(LocalWork::entry());
  switch (algorithm) {
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
  }
  operation.finish();
}

}  // namespace tutti
