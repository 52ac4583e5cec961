#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_VIEWS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_VIEWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/entry.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::server {

// Which views of one service a subscriber may act on: the newest that it has confirmed, those sent since, the one that is being sent, and
// after a restart of the stream those of before, until it confirms a newer one. At most seven views are kept, whatever it confirms: of
// those that it leaves unconfirmed, the first two and the newest; those before the newest then count as if every instance had been in them.
// Not thread-safe.
class SubscriberViews {
 public:
  // The first message of a view goes out: `snapshot` as of `revision`. Requires that none is being sent.
  void Begin(discovery::SnapshotPtr snapshot, Revision revision);
  // The view that is being sent is whole with the message of this number, greater than those before.
  void Complete(int64_t message);
  // So many messages have been taken in. Whether that confirms a view.
  bool Confirm(int64_t messages);
  // Another stream begins, whose messages are counted anew: what was not confirmed can only be confirmed by a newer view.
  void Restart();
  // Some server may have shown it any instance before.
  void AssumeAny();

  bool empty() const { return held_.empty() && sent_.empty(); }
  // Whether it may take an instance for one at work (status not DRAINING) because of a view older than `revision`, and has confirmed none
  // since.
  bool MayActOn(const std::string& id, Revision revision) const;

 private:
  struct View {
    Revision revision = 0;
    discovery::SnapshotPtr snapshot;  // Null: any instance may have been in it.
    int64_t message = 0;              // That makes it whole.
  };

  void Hold(View view);

  Revision confirmed_ = 0;  // Of the newest view that it has confirmed; 0: none.
  std::vector<View> held_;  // That one, and what no message of this stream confirms.
  std::vector<View> sent_;  // Of this stream, in order.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_VIEWS_H_
