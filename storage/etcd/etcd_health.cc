#include "storage/etcd/etcd_health.h"

#include "absl/strings/str_cat.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {

void EtcdHealth::NoteRead(const RpcOutcome& outcome) {
  // This client's own bounds and end say nothing about etcd.
  const bool own = !outcome.reached_etcd && outcome.code != absl::StatusCode::kUnavailable;
  if (own || outcome.code == absl::StatusCode::kCancelled) return;
  const bool unanswered = ReadError(outcome).code() == absl::StatusCode::kUnavailable;
  MutexLock lock(&mu_);
  failure_ = unanswered ? outcome.message : "";
  if (!unanswered) answered_ = clock_.SinceBoot();
}

void EtcdHealth::NoteWrite(const RpcOutcome& outcome) {
  NoteRead(outcome);
  if (!IsFull(outcome)) return;
  MutexLock lock(&mu_);
  full_ = outcome.message;
}

void EtcdHealth::NoteFence(const RpcOutcome& outcome) {
  NoteWrite(outcome);
  if (!outcome.ok()) return;
  MutexLock lock(&mu_);
  full_ = "";
}

void EtcdHealth::SetProblem(const absl::Status& problem) {
  MutexLock lock(&mu_);
  problem_ = problem;
}

StoreHealth EtcdHealth::Look() const {
  MutexLock lock(&mu_);
  if (!problem_.ok()) return {StoreHealth::State::kUnavailable, std::string(problem_.message())};
  const absl::Duration silent = clock_.SinceBoot() - answered_;
  if (!failure_.empty() && silent >= silent_max_) {
    return {StoreHealth::State::kUnavailable,
            absl::StrCat("etcd has not answered for ", absl::FormatDuration(absl::Trunc(silent, absl::Seconds(1))), ": ", failure_)};
  }
  if (!full_.empty()) {
    return {StoreHealth::State::kReadOnly,
            absl::StrCat("etcd's space is used up (", full_, "): compact, defragment and disarm the alarm with etcdctl; reads go on")};
  }
  return {};
}

absl::Status EtcdHealth::problem() const {
  MutexLock lock(&mu_);
  return problem_;
}

bool EtcdHealth::is_full() const {
  MutexLock lock(&mu_);
  return !full_.empty();
}

}  // namespace scoutlight::storage
