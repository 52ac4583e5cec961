#include "tests/checker/describe.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/testing/reference_model.h"

namespace scoutlight::checker {
namespace {

std::string Time(Nanos time, Nanos epoch) { return absl::StrFormat("%.3f", static_cast<double>(time - epoch) / 1e6); }

std::string IdOf(const std::string& request_id) { return request_id.empty() ? "" : absl::StrCat(" id ", request_id); }

struct RequestText {
  std::string operator()(const Write& write) const {
    storage::Transaction transaction;
    transaction.conditions = write.conditions;
    transaction.on_success = write.on_success;
    transaction.on_failure = write.on_failure;
    static constexpr const char* kForms[] = {"", "", "transact: "};
    return absl::StrCat(kForms[static_cast<int>(write.form)], storage::Describe(transaction), write.validate_only ? " validate_only" : "",
                        IdOf(write.request_id));
  }
  std::string operator()(const Read& read) const { return absl::StrCat(read.is_get ? "get: " : "list: ", storage::Describe(read.query)); }
  std::string operator()(const Grant& grant) const {
    return absl::StrCat("grant ", grant.id, " ", absl::FormatDuration(grant.ttl), IdOf(grant.request_id));
  }
  std::string operator()(const Revoke& revoke) const { return absl::StrCat("revoke ", revoke.id, IdOf(revoke.request_id)); }
  std::string operator()(const Renew& renew) const {
    std::string text = "renew";
    for (const LeaseId id : renew.ids) absl::StrAppend(&text, " ", id);
    return text;
  }
};

struct AnswerText {
  std::string operator()(const std::monostate&) const { return "OK"; }
  std::string operator()(const WriteAnswer& answer) const {
    storage::CommitResult result;
    result.revision = answer.revision;
    result.succeeded = answer.succeeded;
    result.replayed = answer.replayed;
    result.results = answer.results;
    return storage::Describe(result);
  }
  std::string operator()(const ReadAnswer& answer) const {
    std::string text = absl::StrCat("OK r", answer.revision, answer.more ? " more" : "");
    for (const Entry& entry : answer.entries) absl::StrAppend(&text, "\n    ", storage::Describe(entry));
    return text;
  }
  std::string operator()(const GrantAnswer& answer) const {
    return absl::StrCat("OK r", answer.revision, " lease ", answer.id, answer.replayed ? " replayed" : "");
  }
  std::string operator()(const RevokeAnswer& answer) const {
    return absl::StrCat("OK r", answer.revision, " deleted ", answer.deleted, answer.replayed ? " replayed" : "");
  }
  std::string operator()(const RenewAnswer& answer) const {
    std::string text = absl::StrCat("OK r", answer.revision);
    static constexpr const char* kResults[] = {"renewed", "not found", "unknown"};
    for (const Outcome result : answer.results) absl::StrAppend(&text, " ", kResults[static_cast<int>(result)]);
    return text;
  }
};

}  // namespace

std::string Describe(const Call& call, Nanos epoch) {
  std::string text = absl::StrCat("client ", call.client, " [", Time(call.called, epoch), ", ", Time(call.returned, epoch), "] ",
                                  std::visit(RequestText(), call.request), " -> ");
  if (call.outcome == Outcome::kOk) return text + std::visit(AnswerText(), call.answer);
  absl::StrAppend(&text, call.outcome == Outcome::kUnknown ? "UNKNOWN " : "", absl::StatusCodeToString(call.failure.code), " ",
                  std::string(ReasonName(call.failure.reason)));
  if (call.failure.revision != 0) absl::StrAppend(&text, " r", call.failure.revision);
  if (call.failure.oldest_revision != 0) absl::StrAppend(&text, " oldest ", call.failure.oldest_revision);
  return text;
}

std::string Describe(const LoggedBatch& logged, Nanos epoch) {
  return absl::StrCat("log [", Time(logged.received, epoch), "] ", storage::Describe(logged.batch));
}

}  // namespace scoutlight::checker
