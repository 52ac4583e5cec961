#include "tests/checker/pins.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace scoutlight::checker {
namespace {

bool Changed(const Write& write, const WriteAnswer& answer) {
  if (write.validate_only) return false;
  const auto& branch = answer.succeeded ? write.on_success : write.on_failure;
  for (size_t i = 0; i < branch.size() && i < answer.results.size(); ++i) {
    if (std::holds_alternative<storage::PutOperation>(branch[i]) || answer.results[i].deleted > 0) return true;
  }
  return false;
}

struct PinOfAnswer {
  const Call& call;

  Pin operator()(const std::monostate&) const { return {}; }
  Pin operator()(const WriteAnswer& answer) const {
    return {Changed(std::get<Write>(call.request), answer) ? Pin::Kind::kWrite : Pin::Kind::kRead, answer.revision};
  }
  Pin operator()(const ReadAnswer& answer) const {
    return {std::get<Read>(call.request).query.revision != 0 ? Pin::Kind::kPast : Pin::Kind::kRead, answer.revision};
  }
  Pin operator()(const GrantAnswer& answer) const { return {Pin::Kind::kRead, answer.revision}; }
  Pin operator()(const RevokeAnswer& answer) const { return {answer.deleted > 0 ? Pin::Kind::kWrite : Pin::Kind::kRead, answer.revision}; }
  Pin operator()(const RenewAnswer& answer) const { return {Pin::Kind::kRead, answer.revision}; }
};

bool SpeaksOfAState(absl::StatusCode code) {
  return code == absl::StatusCode::kNotFound || code == absl::StatusCode::kAlreadyExists || code == absl::StatusCode::kFailedPrecondition ||
         code == absl::StatusCode::kAborted || code == absl::StatusCode::kOutOfRange;
}

Pin PinOf(const Call& call) {
  if (call.outcome == Outcome::kOk) return std::visit(PinOfAnswer{call}, call.answer);
  if (call.outcome == Outcome::kUnknown || !SpeaksOfAState(call.failure.code)) return {};
  const auto* const read = std::get_if<Read>(&call.request);
  const bool is_past = read != nullptr && read->query.revision != 0 && call.failure.code == absl::StatusCode::kNotFound;
  return {is_past ? Pin::Kind::kPast : Pin::Kind::kRead, call.failure.revision};
}

// Which revocations made a revision the log says alone, and no state says why a write was contended.
Pin::Kind KindOverEtcd(const Call& call, Pin::Kind kind) {
  if (call.failure.reason == Reason::kContended) return Pin::Kind::kNone;
  if (std::holds_alternative<RenewAnswer>(call.answer)) return Pin::Kind::kPast;
  return std::holds_alternative<RevokeAnswer>(call.answer) && kind == Pin::Kind::kWrite ? Pin::Kind::kRead : kind;
}

// Whether it may have been decided by an earlier call of the same request: errors do not say it.
bool MayBeRepeated(const Call& call) {
  if (call.outcome == Outcome::kOk) return IsReplayed(call);
  return call.failure.reason == Reason::kKeyExists || call.failure.reason == Reason::kConditionFailed ||
         call.failure.reason == Reason::kLeaseNotFound || call.failure.reason == Reason::kLeaseExists;
}

}  // namespace

const std::string& RequestIdOf(const Call& call) {
  static const std::string kNone;
  if (const auto* write = std::get_if<Write>(&call.request)) return write->validate_only ? kNone : write->request_id;
  if (const auto* grant = std::get_if<Grant>(&call.request)) return grant->request_id;
  if (const auto* revoke = std::get_if<Revoke>(&call.request)) return revoke->request_id;
  return kNone;
}

bool IsReplayed(const Call& call) {
  if (call.outcome != Outcome::kOk) return false;
  if (const auto* write = std::get_if<WriteAnswer>(&call.answer)) return write->replayed;
  if (const auto* grant = std::get_if<GrantAnswer>(&call.answer)) return grant->replayed;
  if (const auto* revoke = std::get_if<RevokeAnswer>(&call.answer)) return revoke->replayed;
  return false;
}

std::vector<Pin> PinCalls(const History& history, Findings* findings) {
  std::vector<Pin> pins(history.calls.size());
  absl::flat_hash_map<absl::string_view, Nanos> first_called;  // By request id.
  for (const Call& call : history.calls) {
    const std::string& id = RequestIdOf(call);
    if (id.empty()) continue;
    const auto [it, is_new] = first_called.try_emplace(id, call.called);
    if (!is_new) it->second = std::min(it->second, call.called);
  }
  for (size_t i = 0; i < history.calls.size(); ++i) {
    const Call& call = history.calls[i];
    const int index = static_cast<int>(i);
    pins[i] = PinOf(call);
    if (history.over_etcd) pins[i].kind = KindOverEtcd(call, pins[i].kind);
    pins[i].called = call.called;
    if (call.returned < call.called) findings->Add(Rule::kHistory, 0, {index}, "it returned before it was called");
    if (pins[i].kind != Pin::Kind::kNone && pins[i].revision < 1) {
      findings->Add(Rule::kReplay, 0, {index}, "the answer speaks of a state and names no revision");
      pins[i].kind = Pin::Kind::kNone;
    }
    const std::string& id = RequestIdOf(call);
    if (id.empty()) continue;
    if (MayBeRepeated(call)) pins[i].called = first_called[id];
    const bool by_store = history.over_etcd && std::holds_alternative<Grant>(call.request);
    if (IsReplayed(call) && first_called[id] >= call.called && !by_store) {
      findings->Add(Rule::kRepetition, pins[i].revision, {index}, "it is called a repetition, and nobody sent it before");
    }
  }
  return pins;
}

}  // namespace scoutlight::checker
