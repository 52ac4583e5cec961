#include "topology/topology.h"

namespace scoutlight::topology {
namespace {

template <typename Link>
const Link* Find(const std::vector<Link>& links, absl::string_view queue) {
  for (const Link& link : links) {
    if (link.queue == queue) return &link;
  }
  return nullptr;
}

}  // namespace

const InLink* ServiceLinks::FindIn(absl::string_view queue) const { return Find(in, queue); }

const OutLink* ServiceLinks::FindOut(absl::string_view queue) const { return Find(out, queue); }

}  // namespace scoutlight::topology
