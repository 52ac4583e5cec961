#include "server/admin/backup_calls.h"

#include <grpcpp/alarm.h>
#include <grpcpp/support/slice.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "scoutlight/admin/v1/admin.pb.h"
#include "server/error_mapping.h"
#include "server/open_streams.h"
#include "server/shared_slice.h"
#include "storage/backup/backup_format.h"

namespace scoutlight::server {
namespace {

namespace backup = storage::backup;

// Of a page: so many entries, and with the one that is too many so many bytes.
constexpr int kPageEntriesMax = 10'000;
constexpr size_t kPageBytesMax = 1 * limits::kMiB;
constexpr int kPageLeasesMax = 10'000;
// So often in a row a page is tried again.
constexpr int kTriesMax = 30;
constexpr std::chrono::milliseconds kPause{500};

absl::Status StoreReplaced() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "the store was replaced by another while the backup was taken",
                   {.reason = Reason::kStoreReplaced});
}

absl::Status TooMany() {
  return MakeError(absl::StatusCode::kResourceExhausted, absl::StrCat(kBackupsMax, " backups are being taken, which is the most"),
                   {.reason = Reason::kOverloaded, .retry_after = absl::Seconds(10)});
}

}  // namespace

struct BackupCalls::Calls {
  explicit Calls(std::shared_ptr<StreamPlaces> places) : open(std::move(places)) {}

  OpenStreams<Call> open;
  std::atomic<int> under_way{0};  // Orders nothing.
};

// One call. At any time either the store reads for it or gRPC writes for it: whoever has ended goes on, and may finish. Stop() comes from
// any thread at any time, and is heard then.
class BackupCalls::Call final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  Call(storage::Store* store, const Admission* admission, Clock* clock, std::shared_ptr<Calls> calls)
      : store_(*store), admission_(*admission), clock_(*clock), calls_(std::move(calls)) {}

  void Start() {
    if (calls_->under_way.fetch_add(1, std::memory_order_relaxed) >= kBackupsMax) {
      calls_->under_way.fetch_sub(1, std::memory_order_relaxed);
      return Refuse(TooMany());
    }
    counted_ = true;
    store_id_ = store_.store_id();
    GoOn();
  }
  void Refuse(const absl::Status& status) { Finish(ToGrpcStatus(status, {})); }

  void Stop() { stopped_.store(true, std::memory_order_relaxed); }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    if (ended_) return Finish(grpc::Status::OK);
    GoOn();
  }
  void OnCancel() override { Stop(); }
  void OnDone() override {
    if (counted_) calls_->under_way.fetch_sub(1, std::memory_order_relaxed);
    // The list outlives this, which goes with the reference to it.
    const std::shared_ptr<Calls> calls = calls_;
    calls->open.Remove(this);
  }

 private:
  // True: it was stopped, by the server, else by its client, and is finished.
  bool FinishIfStopped() {
    const absl::Status closed = admission_.CheckOpen();
    if (closed.ok() && !stopped_.load(std::memory_order_relaxed)) return false;
    Finish(closed.ok() ? grpc::Status::CANCELLED : ToGrpcStatus(closed, {}));
    return true;
  }

  void GoOn() {
    if (FinishIfStopped()) return;
    if (store_.store_id() != store_id_) return Finish(ToGrpcStatus(StoreReplaced(), {}));
    if (entries_read_) {
      GoOnWithLeases();
    } else {
      ReadEntries();
    }
  }

  // What was read failed. True: it is read again after a pause, because the store has too much to do, or none to read from, for now.
  bool TryLater(const absl::Status& status) {
    if (!absl::IsResourceExhausted(status) && !absl::IsUnavailable(status)) return false;
    if (++tries_ > kTriesMax) return false;
    pause_.Set(std::chrono::system_clock::now() + kPause, [this](bool) { GoOn(); });
    return true;
  }

  void ReadEntries() {
    storage::Query query{.range = {Key(), Scope::kSubtree},
                         .revision = revision_,
                         .show_system = true,
                         .entries_max = kPageEntriesMax,
                         .bytes_max = kPageBytesMax,
                         .after = after_,
                         .expect_more_pages = true};
    const DeferScope scope;
    store_.Read(std::move(query), [this](const storage::Page& page) { OnEntries(page); });
  }

  void OnEntries(const storage::Page& page) {
    if (!page.status.ok()) {
      if (TryLater(page.status)) return;
      return Finish(ToGrpcStatus(page.status, {page.revision, page.oldest_revision, store_id_}));
    }
    tries_ = 0;
    std::string bytes;
    if (revision_ == 0) {
      revision_ = page.revision;
      bytes = backup::EncodeHeader({.store_id = store_id_, .revision = revision_, .taken = clock_.Now()});
    }
    for (const Entry& entry : page.entries) {
      if (!entry.has_value) continue;
      bytes += backup::EncodeEntry(entry);
      ++counts_.entries;
      if (entry.lease_id != 0) leases_.insert(entry.lease_id);
    }
    entries_read_ = !page.more;
    if (!page.entries.empty()) after_ = storage::Position{.key = page.entries.back().key, .create_revision = 0};
    Write(std::move(bytes));
  }

  void GoOnWithLeases() {
    if (!listed_.empty() || !more_listed_) return WriteLeases();
    const DeferScope scope;
    store_.ListLeases(last_listed_, kPageLeasesMax, [this](const storage::LeaseList& list) { OnLeases(list); });
  }

  void OnLeases(const storage::LeaseList& list) {
    if (!list.status.ok()) {
      if (TryLater(list.status)) return;
      return Finish(ToGrpcStatus(list.status, {list.revision, 0, store_id_}));
    }
    tries_ = 0;
    listed_.assign(list.leases.begin(), list.leases.end());
    more_listed_ = list.more;
    if (!listed_.empty()) last_listed_ = listed_.back().id;
    WriteLeases();
  }

  // Of those that are listed, the ones that entries hang on; and those that entries hang on, but which have ended since: what is on them is
  // to go soon.
  void WriteLeases() {
    std::string bytes;
    while (bytes.size() < kPageBytesMax && (!listed_.empty() || !more_listed_)) {
      if (!leases_.empty() && (listed_.empty() || *leases_.begin() < listed_.front().id)) {
        AddLease({.id = *leases_.begin(), .ttl = limits::kLeaseTtlMin}, &bytes);
        leases_.erase(leases_.begin());
      } else if (!listed_.empty()) {
        if (leases_.erase(listed_.front().id) > 0) AddLease({.id = listed_.front().id, .ttl = listed_.front().ttl}, &bytes);
        listed_.pop_front();
      } else {
        bytes += backup::EncodeEnd(counts_);
        ended_ = true;
        break;
      }
    }
    if (bytes.empty()) return GoOn();
    Write(std::move(bytes));
  }

  void AddLease(const backup::Lease& lease, std::string* bytes) {
    *bytes += backup::EncodeLease(lease);
    ++counts_.leases;
  }

  void Write(std::string bytes) {
    admin::v1::BackupResponse response;
    response.set_chunk(std::move(bytes));
    const grpc::Slice slice = SharedSlice(std::make_shared<const std::string>(response.SerializeAsString()));
    written_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&written_);
  }

  storage::Store& store_;
  const Admission& admission_;
  Clock& clock_;
  const std::shared_ptr<Calls> calls_;
  std::atomic<bool> stopped_{false};  // Orders nothing.
  bool counted_ = false;              // In Calls::under_way.
  grpc::Alarm pause_;
  int tries_ = 0;  // In a row.

  StoreId store_id_;

  Revision revision_ = 0;  // 0: before the first page.
  std::optional<storage::Position> after_;
  absl::btree_set<LeaseId> leases_;        // That entries hang on, and which are not written yet; at most limits::kLeasesMax.
  std::deque<storage::LeaseInfo> listed_;  // And not looked at yet.
  bool more_listed_ = true;
  LeaseId last_listed_ = 0;
  backup::Counts counts_;
  bool entries_read_ = false;
  bool ended_ = false;
  grpc::ByteBuffer written_;  // Until OnWriteDone.
};

BackupCalls::BackupCalls(storage::Store* store, const Admission* admission, Clock* clock, std::shared_ptr<StreamPlaces> places)
    : store_(*store), admission_(*admission), clock_(*clock), calls_(std::make_shared<Calls>(std::move(places))) {}

BackupCalls::~BackupCalls() = default;

grpc::ServerWriteReactor<grpc::ByteBuffer>* BackupCalls::Open(const absl::Status& refused) {
  const auto call = std::make_shared<Call>(&store_, &admission_, &clock_, calls_);
  const absl::Status full = calls_->open.Add(call);
  if (!refused.ok() || !full.ok()) {
    call->Refuse(refused.ok() ? full : refused);
  } else {
    call->Start();
  }
  // OnDone comes only after this has returned, so the reference in `open` is still there.
  return call.get();
}

void BackupCalls::Drain() { calls_->open.Close(); }

}  // namespace scoutlight::server
