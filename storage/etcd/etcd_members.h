#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_MEMBERS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_MEMBERS_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "compat/etcd/rpc.grpc.pb.h"
#include "storage/etcd/etcd_client.h"

namespace scoutlight::storage {

// A way to one member of the cluster.
struct EtcdMember {
  std::string endpoint;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<etcdserverpb::KV::Stub> kv;
  std::unique_ptr<etcdserverpb::Watch::Stub> watch;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  std::unique_ptr<etcdserverpb::Auth::Stub> auth;
};

// The members, of which one is in use. Thread-safe.
class EtcdMembers {
 public:
  explicit EtcdMembers(const EtcdClientOptions& options);

  size_t size() const { return members_.size(); }
  const EtcdMember& at(size_t index) const { return members_[index]; }
  size_t in_use() const;
  // The next one comes into use, unless that has happened since `index` was.
  void Leave(size_t index);

 private:
  std::vector<EtcdMember> members_;  // Constant after construction.
  mutable Mutex mu_;
  size_t in_use_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_MEMBERS_H_
