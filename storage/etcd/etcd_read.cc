#include "storage/etcd/etcd_read.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::RangeResponse;
using etcdserverpb::TxnResponse;

// Keys in one call of a walk.
constexpr int64_t kWalkKeysMin = 64;
constexpr int64_t kWalkKeysMax = 1'000;
// Values in one call; the number grows fourfold while a call brings less than kValuesBytesSmall. A value is at most 1 MiB.
constexpr size_t kValuesMin = 4;
constexpr size_t kValuesMax = 32;
constexpr size_t kValuesBytesSmall = 256 * 1024;

// One read. Keeps itself alive through the callbacks it hands out; used on the client's thread only, after Start().
class EtcdRead : public std::enable_shared_from_this<EtcdRead> {
 public:
  EtcdRead(EtcdClient& client, const EtcdMapping& mapping, Query query, absl::AnyInvocable<void(EtcdReadResult) &&> done)
      : client_(client),
        mapping_(mapping),
        query_(std::move(query)),
        collector_(mapping, query_.range, query_.show_system ? EntryCollector::System::kShown : EntryCollector::System::kHidden),
        revision_(query_.revision),
        done_(std::move(done)) {}

  void Start() {
    if (query_.range.scope == Scope::kKey) return ReadKey();
    from_ = mapping_.RangeOf(query_.range).begin;
    if (query_.after.has_value() && query_.order == Order::kKey) {
      const std::string node = mapping_.Encode(query_.after->key);
      from_ = query_.range.scope == Scope::kChildren ? EtcdMapping::SubtreeEnd(node) : EtcdMapping::Successor(node);
    }
    Walk();
  }

 private:
  void ReadKey() {
    etcdserverpb::TxnRequest request;
    AddRange({query_.range.key, Scope::kKey}, query_.keys_only, &request);
    AddRange({query_.range.key, Scope::kChildren}, /*keys_only=*/true, &request);
    client_.Txn(std::move(request), EtcdClient::Repeat::kAnytime,
                [self = shared_from_this()](const RpcOutcome& outcome, TxnResponse response) {
                  if (!self->Check(outcome, response.header())) return;
                  absl::StatusOr<std::vector<Entry>> entries = self->mapping_.ToEntries(response.responses(0).response_range().kvs());
                  if (!entries.ok()) return self->Fail(entries.status());
                  self->page_.entries = *std::move(entries);
                  for (Entry& entry : self->page_.entries) entry.has_children = response.responses(1).response_range().kvs_size() > 0;
                  self->Finish();
                });
  }

  void AddRange(const KeyRange& range, bool keys_only, etcdserverpb::TxnRequest* request) const {
    etcdserverpb::RangeRequest* read = request->add_success()->mutable_request_range();
    SetRange(mapping_.RangeOf(range), read);
    read->set_revision(revision_);
    read->set_keys_only(keys_only);
    read->set_limit(1);
  }

  void Walk() {
    etcdserverpb::RangeRequest request;
    SetRange({from_, mapping_.RangeOf(query_.range).end}, &request);
    request.set_revision(revision_);
    request.set_keys_only(true);
    const int64_t wanted = query_.entries_max + 1 - static_cast<int64_t>(collector_.entries().size());
    request.set_limit(query_.order == Order::kCreation ? kWalkKeysMax : std::clamp(wanted, kWalkKeysMin, kWalkKeysMax));
    client_.Range(std::move(request), [self = shared_from_this()](const RpcOutcome& outcome, const RangeResponse& response) {
      if (!self->Check(outcome, response.header())) return;
      for (const mvccpb::KeyValue& pair : response.kvs()) {
        if (absl::Status status = self->collector_.Add(pair); !status.ok()) return self->Fail(status);
      }
      self->Walked(response.more());
    });
  }

  void Walked(bool more) {
    const size_t found = collector_.entries().size();
    if (query_.order == Order::kCreation && found > static_cast<size_t>(limits::kCreationOrderEntriesMax)) {
      return Fail(InvalidField(Reason::kListTooLarge, "order",
                               absl::StrCat("by creation is for at most ", limits::kCreationOrderEntriesMax, " entries; list by key")));
    }
    // One more than wanted shows that there are more, and completes what is known of the one before it.
    const bool enough = query_.order == Order::kKey && found > static_cast<size_t>(query_.entries_max);
    if (more && !enough) {
      from_ = std::max(from_, collector_.resume());
      return Walk();
    }
    page_.entries = std::move(collector_.entries());
    if (query_.order == Order::kCreation) SortByCreation();
    if (page_.entries.size() > static_cast<size_t>(query_.entries_max)) Cut(query_.entries_max);
    if (query_.keys_only) return CutByBytes();
    values_group_ = kValuesMin;
    FetchValues();
  }

  void SortByCreation() {
    std::vector<Entry>& entries = page_.entries;
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.create_revision < b.create_revision; });
    if (!query_.after.has_value()) return;
    const Position& after = *query_.after;
    std::erase_if(entries, [&after](const Entry& entry) {
      if (entry.create_revision != after.create_revision) return entry.create_revision < after.create_revision;
      return !(after.key < entry.key);
    });
  }

  // Gets the values of the next entries; `valued_` of them are complete and counted.
  void FetchValues() {
    etcdserverpb::TxnRequest request;
    auto wanted = std::make_shared<std::vector<size_t>>();
    size_t end = valued_;
    for (; end < page_.entries.size() && wanted->size() < values_group_; ++end) {
      if (!page_.entries[end].has_value) continue;
      wanted->push_back(end);
      AddRange({page_.entries[end].key, Scope::kKey}, /*keys_only=*/false, &request);
    }
    if (wanted->empty()) return CutByBytes();
    client_.Txn(std::move(request), EtcdClient::Repeat::kAnytime,
                [self = shared_from_this(), wanted, end](const RpcOutcome& outcome, const TxnResponse& response) {
                  if (!self->Check(outcome, response.header())) return;
                  for (size_t i = 0; i < wanted->size(); ++i) {
                    const RangeResponse& range = response.responses(i).response_range();
                    if (range.kvs_size() != 1) return self->Fail(absl::InternalError("etcd shows two states of one revision"));
                    absl::StatusOr<Entry> entry = self->mapping_.ToEntry(range.kvs(0));
                    if (!entry.ok()) return self->Fail(entry.status());
                    self->page_.entries[(*wanted)[i]].value = std::move(entry->value);
                  }
                  self->CountValues(end, response.ByteSizeLong());
                });
  }

  void CountValues(size_t end, size_t group_bytes) {
    for (; valued_ < end; ++valued_) bytes_ += EntryBytes(page_.entries[valued_]);
    if (bytes_ > query_.bytes_max) return CutByBytes();
    if (group_bytes < kValuesBytesSmall) values_group_ = std::min(values_group_ * 4, kValuesMax);
    FetchValues();
  }

  void CutByBytes() {
    size_t bytes = 0;
    for (size_t i = 0; i < page_.entries.size(); ++i) {
      bytes += EntryBytes(page_.entries[i]);
      if (bytes <= query_.bytes_max || i == 0) continue;
      Cut(i);
      break;
    }
    Finish();
  }

  void Cut(size_t entries) {
    page_.entries.resize(entries);
    page_.more = true;
  }

  // False: the read has ended.
  bool Check(const RpcOutcome& outcome, const etcdserverpb::ResponseHeader& header) {
    if (!outcome.ok()) {
      std::move(done_)({outcome, {}});
      return false;
    }
    // All further calls show the state of the first one.
    if (revision_ == 0) revision_ = header.revision();
    return true;
  }

  void Fail(absl::Status status) {
    page_.entries.clear();
    page_.more = false;
    page_.status = std::move(status);
    Finish();
  }

  void Finish() {
    page_.revision = revision_;
    std::move(done_)({{}, std::move(page_)});
  }

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const Query query_;
  EntryCollector collector_;
  Revision revision_;  // 0 until the first answer, with the latest.
  absl::AnyInvocable<void(EtcdReadResult) &&> done_;
  std::string from_;
  Page page_;
  size_t valued_ = 0;
  size_t values_group_ = kValuesMin;
  size_t bytes_ = 0;
};

}  // namespace

void ReadFromEtcd(EtcdClient& client, const EtcdMapping& mapping, Query query, absl::AnyInvocable<void(EtcdReadResult) &&> done) {
  std::make_shared<EtcdRead>(client, mapping, std::move(query), std::move(done))->Start();
}

}  // namespace scoutlight::storage
