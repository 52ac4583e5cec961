#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/names.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/hub_inbox.h"
#include "server/discovery/registrar.h"
#include "server/discovery/session_conversion.h"
#include "server/discovery/session_follows.h"
#include "server/stream_places.h"
#include "storage/store.h"

namespace scoutlight::server {

class LiveSession;

// A call of RegistrationService/Session as the hub sees it. Called from the hub's thread alone.
class SessionStream {
 public:
  virtual ~SessionStream() = default;

  // A whole SessionResponse; SessionHub::OnWritten follows, and no other write before.
  virtual void Write(std::shared_ptr<const std::string> frame) = 0;
  // The next message may be read; SessionHub::Take follows.
  virtual void ReadNext() = 0;
  // The last call.
  virtual void Finish(const absl::Status& status) = 0;
};

// Runs the sessions (session.h) of all streams, on one thread. On a server a session has one stream: a newer one ends the one before.
// Memory is bounded by the places for streams: each has one message and one frame under way, at most limits::kSessionInstancesMax
// instances, three times as many that are to go (session.h), what its client is to be told of them, and the parts of one declaration.
// Thread-safe; nothing but the destructor blocks.
class SessionHub {
 public:
  // All outlive the hub.
  struct Parts {
    storage::Store* store = nullptr;
    CatalogFeed* feed = nullptr;
    Registrar* registrar = nullptr;
    std::shared_ptr<StreamPlaces> places = std::make_shared<StreamPlaces>(limits::kStreamsMax);  // Each stream takes one.
  };

  explicit SessionHub(Parts parts);
  // Every stream is over, or will not be heard of again. Waits for what the store is asked for; after CatalogFeed::Stop() that ends soon.
  ~SessionHub();

  void Start();

  // Instances of these services have changed; empty: of any. Cheap, from any thread.
  void OnChanged(const std::vector<discovery::ServiceName>& services);

  // Takes a stream, which is called from now on, until OnClosed(). `connection` as storage::Origin's. kResourceExhausted, STREAMS_FULL: it
  // is not taken.
  absl::Status Open(std::shared_ptr<SessionStream> stream, uint64_t connection);
  // The message that was read. An error ends the stream.
  void Take(SessionStream* stream, absl::StatusOr<SessionStep> step);
  // The client sends no more.
  void OnReadsDone(SessionStream* stream);
  void OnWritten(SessionStream* stream);
  void OnCancelled(SessionStream* stream);
  void OnClosed(SessionStream* stream);

  // Ends all streams, also those that come later. Their instances stay until their leases end.
  void Drain(absl::Status reason);

  // How many are open.
  int streams() const { return streams_.load(std::memory_order_relaxed); }

 private:
  friend class LiveSession;
  using Task = HubInbox::Task;

  void Post(Task task) { inbox_.Post(std::move(task)); }
  // Something is asked of the store: EndCall() follows, on any thread, with what is to be done then on the hub's.
  void BeginCall();
  void EndCall(Task task);
  void Loop();
  // `live` is the session `id` from now on; another stream that was it ends.
  void TakeOver(const std::string& id, LiveSession* live);
  LiveSession* Find(SessionStream* stream);

  const Parts parts_;

  // The thread's own.
  absl::flat_hash_map<SessionStream*, std::shared_ptr<LiveSession>> live_;
  absl::flat_hash_map<std::string, LiveSession*> by_session_;
  SessionFollows follows_;
  absl::Status drained_;

  std::atomic<int> streams_{0};  // Orders nothing.

  HubInbox inbox_;  // At most a few tasks for each stream, and one for each call.

  Mutex mu_;
  CondVar idle_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;  // Begun, not ended.
  std::thread thread_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_H_
