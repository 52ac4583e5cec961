#ifndef SCOUTLIGHT_CLIENT_GATE_COUNTERS_H_
#define SCOUTLIGHT_CLIENT_GATE_COUNTERS_H_

#include <cstdint>

namespace scoutlight {

// What has gone through one gate since it was opened, and how full it is. Published with the instance's soft values as
// `gate.<queue>.<name>`, those of kPublishedCounters.
struct GateCounters {
  int64_t pushed = 0;      // Messages that the gate took from the program.
  int64_t sent = 0;        // That a connection took; acked: that were confirmed.
  int64_t sent_bytes = 0;  // Of bodies.
  int64_t resent = 0;      // Acked and requests: sent once more, because the connection was lost, no answer came or it was refused.
  int64_t refused = 0;     // Acked: how often a receiver refused one.
  int64_t unsent = 0;      // PUB: pushed while nobody was connected.
  int64_t received = 0;    // Messages that came.
  int64_t received_bytes = 0;
  int64_t malformed = 0;  // What came and is larger than message_bytes_max, or acked and no message of this protocol.
  int64_t pulled = 0;     // That the program took.
  int64_t blocked = 0;    // How often a push found the queue full.

  int64_t waiting = 0;        // Messages in the queue now.
  int64_t waiting_bytes = 0;  // Of bodies.
  int64_t unconfirmed = 0;    // Sent and not confirmed, or received and not answered, now.
  int64_t peers = 0;          // Connections now.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATE_COUNTERS_H_
