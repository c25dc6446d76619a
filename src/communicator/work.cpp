#include "communicator/work.hpp"

#include <algorithm>
#include <array>

namespace tutti {

Work::Work(Communicator& communicator) : communicator_(communicator) {
  communicator.custody().enter_queue();
}

Work::~Work() {
  const KeepFibre keep;
  if (communicator_.custody().leave_queue()) delete &communicator_;
}

void Work::run() {
  try {
    const Communicator::Running running(communicator_);
    execute();
  } catch (const Error& error) {
    communicator_.record_elsewhere(error);
    throw;
  }
}

CollectiveWork::CollectiveWork(Communicator& communicator, const Request& request, tuttiRedOp_t op)
    : Work(communicator), request_(request), op_(op) {
  const std::array<std::span<const std::size_t>*, 4> lists = {
      &request_.send_extents.counts, &request_.send_extents.displacements,
      &request_.recv_extents.counts, &request_.recv_extents.displacements};
  std::size_t total = 0;
  for (const auto* list : lists) total += list->size();
  arrays_.reserve(total);  // so that the spans stay where they point
  for (auto* list : lists) {
    const std::size_t first = arrays_.size();
    arrays_.insert(arrays_.end(), list->begin(), list->end());
    *list = {arrays_.data() + first, list->size()};
  }
  pins_ =
      BufferPins(request_, communicator.rank(), communicator.ranks(), communicator.settings().name);
}

}  // namespace tutti
