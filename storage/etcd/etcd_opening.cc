#include "storage/etcd/etcd_opening.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Duration kRetry = absl::Milliseconds(100);

struct TxnAnswer {
  RpcOutcome outcome;
  etcdserverpb::TxnResponse response;
};

TxnAnswer TryOnce(EtcdClient& client, const etcdserverpb::TxnRequest& request) {
  Waiter<TxnAnswer> waiter;
  client.Txn(request, EtcdClient::Repeat::kAnytime, [&waiter](RpcOutcome outcome, etcdserverpb::TxnResponse response) {
    waiter.Take({std::move(outcome), std::move(response)});
  });
  return waiter.Wait();
}

}  // namespace

EtcdClientOptions ClientOptionsOf(const EtcdStoreOptions& options) {
  return {.endpoints = options.endpoints,
          .tls = options.tls,
          .user = options.user,
          .password = options.password,
          .clock = options.clock,
          .call_timeout = std::min(options.call_timeout, options.open_timeout)};
}

absl::StatusOr<etcdserverpb::TxnResponse> TxnNow(EtcdClient& client, const EtcdStoreOptions& options,
                                                 const etcdserverpb::TxnRequest& request) {
  const absl::Duration deadline = options.clock->SinceBoot() + options.open_timeout;
  for (;;) {
    TxnAnswer answer = TryOnce(client, request);
    if (answer.outcome.ok()) return std::move(answer.response);
    const absl::StatusCode code = answer.outcome.code;
    const bool may_pass = code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded;
    if (!may_pass || options.clock->SinceBoot() >= deadline) return ReadError(answer.outcome);
    Waiter<int>().Pause(kRetry);
  }
}

StoreId DrawStoreId(const EtcdStoreOptions& options) {
  const uint64_t high = options.random();
  return absl::StrFormat("%016x%016x", high, options.random());
}

etcdserverpb::Compare IdentityIs(const EtcdMapping& mapping, const std::string& value) {
  etcdserverpb::Compare compare;
  compare.set_key(mapping.identity_key());
  if (value.empty()) {
    compare.set_target(etcdserverpb::Compare::VERSION);
    compare.set_version(0);
  } else {
    compare.set_target(etcdserverpb::Compare::VALUE);
    compare.set_value(value);
  }
  return compare;
}

absl::StatusOr<StoreId> FindOrMakeStore(EtcdClient& client, const EtcdMapping& mapping, const EtcdStoreOptions& options) {
  const StoreId drawn = DrawStoreId(options);
  etcdserverpb::TxnRequest request;
  *request.add_compare() = IdentityIs(mapping, "");
  etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
  put->set_key(mapping.identity_key());
  put->set_value(EtcdMapping::EncodeIdentity({.id = drawn}));
  request.add_failure()->mutable_request_range()->set_key(mapping.identity_key());
  const absl::StatusOr<etcdserverpb::TxnResponse> response = TxnNow(client, options, request);
  if (!response.ok()) return response.status();
  if (response->succeeded()) return drawn;
  const absl::StatusOr<EtcdIdentity> there = EtcdMapping::DecodeIdentity(response->responses(0).response_range().kvs(0));
  if (!there.ok()) return there.status();
  if (there->restoring) {
    return absl::FailedPreconditionError(absl::StrCat("a backup is being restored there, or that did not end (restoration ", there->id,
                                                      "): restore it again, with --restore"));
  }
  return there->id;
}

}  // namespace scoutlight::storage
