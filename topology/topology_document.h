#ifndef SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DOCUMENT_H_
#define SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DOCUMENT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "topology/topology.h"

namespace scoutlight::topology {

// A topology as operators write it, and as it is stored:
//
//   {"encryptor": {"links": [{"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"},
//                            {"addresses": ["tcp://0.0.0.0:4567"], "queue": "plaintext", "type": "PULL"}]},
//    "feeder":    {"links": [{"outgate": "encryptor", "queue": "plaintext", "type": "PUSH"}]},
//    "emailsink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "crypted_mails", "type": "PULL"}]}}
//
// A link has `queue`, `type` and either `outgate` or `addresses`. One with `outgate` may have `to_queue` and `delivery`; one with
// `addresses` may have `delivery` ("plain", which is the default, or "acked"), `advertise` (a host) and `port` ("fixed" or "free", the
// default).
//
// `outgate` S means links of S with `addresses` and the complementary type: the one whose queue is `to_queue` if that is given, else the
// one of the same queue, else the only one. A link that says no `delivery` has that of the other end. Links may go in circles.
//
// kInvalidArgument with every mistake at once, at most kMistakesMax, each with its path as the violated field
// (`encryptor.links[0].type`): what is no JSON, over a bound, missing, not known, of a wrong type or there twice; nothing at the other end,
// an other end of another type or delivery, several that could be meant, which are told. Thread-safe.
absl::StatusOr<Topology> ParseTopology(absl::string_view document);

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_TOPOLOGY_DOCUMENT_H_
