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
  MutexLock lock(&mu_);
  if (outcome.ok()) full_ = "";
  if (IsFull(outcome)) full_ = outcome.message;
}

void EtcdHealth::SetProblem(const absl::Status& problem) {
  MutexLock lock(&mu_);
  problem_ = std::string(problem.message());
}

StoreHealth EtcdHealth::Look() const {
  MutexLock lock(&mu_);
  if (!problem_.empty()) return {StoreHealth::State::kUnavailable, problem_};
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

bool EtcdHealth::IsDue() const {
  MutexLock lock(&mu_);
  return !failure_.empty() || !full_.empty() || clock_.SinceBoot() - answered_ >= silent_max_ / 2;
}

bool EtcdHealth::is_full() const {
  MutexLock lock(&mu_);
  return !full_.empty();
}

}  // namespace scoutlight::storage
