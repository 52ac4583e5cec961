#include "storage/etcd/revision_probe.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {
namespace {

// One search. Keeps itself alive through the callbacks it hands out; used on the client's thread only, after Start().
class Probe : public std::enable_shared_from_this<Probe> {
 public:
  Probe(EtcdClient& client, std::string etcd_key, Revision known, absl::AnyInvocable<void(RevisionBounds) &&> done)
      : client_(client), etcd_key_(std::move(etcd_key)), known_(std::max<Revision>(known, 1)), done_(std::move(done)) {}

  void Start() {
    ReadAt(0, [self = shared_from_this()](const RpcOutcome& outcome, Revision latest) {
      self->bounds_.latest = latest;
      if (!outcome.ok()) return self->Finish(outcome, 0);
      self->ReadAt(self->known_, [self](const RpcOutcome& known, Revision) {
        if (!IsCompacted(known)) return self->Finish(known, self->known_);
        self->Halve(self->known_, self->bounds_.latest);
      });
    });
  }

 private:
  // `compacted` cannot be read; `readable` can, or could a moment ago.
  void Halve(Revision compacted, Revision readable) {
    if (readable - compacted <= 1) return Finish({}, readable);
    const Revision middle = compacted + (readable - compacted) / 2;
    ReadAt(middle, [self = shared_from_this(), compacted, readable, middle](const RpcOutcome& outcome, Revision) {
      if (IsCompacted(outcome)) return self->Halve(middle, readable);
      if (!outcome.ok()) return self->Finish(outcome, 0);
      self->Halve(compacted, middle);
    });
  }

  template <typename Then>
  void ReadAt(Revision revision, Then then) {
    etcdserverpb::RangeRequest request;
    request.set_key(etcd_key_);
    request.set_revision(revision);
    request.set_keys_only(true);
    client_.Range(std::move(request), [then = std::move(then)](const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
      then(outcome, response.header().revision());
    });
  }

  void Finish(RpcOutcome outcome, Revision oldest) {
    bounds_.outcome = std::move(outcome);
    bounds_.oldest = oldest;
    std::move(done_)(std::move(bounds_));
  }

  EtcdClient& client_;
  const std::string etcd_key_;
  const Revision known_;
  absl::AnyInvocable<void(RevisionBounds) &&> done_;
  RevisionBounds bounds_;
};

}  // namespace

void ProbeRevisions(EtcdClient& client, const std::string& etcd_key, Revision known, absl::AnyInvocable<void(RevisionBounds) &&> done) {
  std::make_shared<Probe>(client, etcd_key, known, std::move(done))->Start();
}

}  // namespace scoutlight::storage
