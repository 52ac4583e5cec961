#ifndef SCOUTLIGHT_CLIENT_WATCH_WATCH_CURSOR_H_
#define SCOUTLIGHT_CLIENT_WATCH_WATCH_CURSOR_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/watch_event.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::client {

// How far one watch has come, over all the streams that it lives through: what to ask the server for next, and what its frames tell the
// program. Not thread-safe.
class WatchCursor {
 public:
  WatchCursor(std::string key, WatchOptions options);

  // What goes on, without gap or repeat, where the last event left off.
  registry::v1::WatchRequest Request() const;

  // What `frame`, the next one after Request(), tells. kInternal: it breaks the contract; the watch is to be asked for anew.
  absl::StatusOr<std::vector<WatchEvent>> Take(registry::v1::WatchResponse frame);

  // No more frames come of the last Request(): a change of which only a part came is forgotten.
  void CutOff();

  enum class After { kGoesOn, kIsOver };
  // The server ended it with `status`: whether asking again can help.
  After Ended(const absl::Status& status);

  // Whether the state is being sent, so that CutOff() costs a sending of all of it.
  bool is_in_state() const { return in_state_; }
  // Whether nothing was begun that CutOff() would forget: neither a state nor a transaction.
  bool is_whole() const { return !in_state_ && !part_.has_value(); }
  // Whether the state is still to be told as a whole: it has not begun, or is not complete.
  bool wants_state() const { return wants_state_; }
  const WatchOptions& options() const { return options_; }

 private:
  absl::Status TakeChanges(registry::v1::WatchResponse frame, std::vector<WatchEvent>* told);
  void TakeStarted(const registry::v1::WatchResponse& frame, std::vector<WatchEvent>* told);
  absl::Status TakeState(registry::v1::WatchResponse frame, std::vector<WatchEvent>* told);
  WatchEvent ResetBy(const StoreId& store_id);
  void AskForState(WatchEvent::ResetCause cause);

  const std::string key_;
  const WatchOptions options_;

  bool told_ = false;                                              // Whether something was told.
  Revision next_ = 0;                                              // The first revision not told; 0: the state or what comes from now on.
  StoreId store_id_;                                               // Of `next_`.
  bool wants_state_ = false;                                       // The next request asks for the state.
  bool in_state_ = false;                                          // A part of it was told.
  WatchEvent::ResetCause cause_ = WatchEvent::ResetCause::kAsked;  // Why, until its end.
  std::optional<WatchEvent> part_;                                 // Of a transaction whose rest is to come.
  size_t part_bytes_ = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_WATCH_CURSOR_H_
