#include "cli/kv_writing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/piecewise_delete.h"
#include "cli/services_hit.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

// As the server knows it; what is no key is refused there.
std::string NormalKey(const std::string& typed) {
  const absl::StatusOr<Key> key = Key::Parse(typed);
  return key.ok() ? key->path() : typed;
}

std::string KeysText(int64_t count) { return count == 1 ? "1 key" : absl::StrCat(count, " keys"); }

}  // namespace

KvWriting::KvWriting(CLI::App* kv, Verb* chosen) {
  CLI::App* const put = kv->add_subcommand("put", "store a value");
  put->add_option("KEY", key_, "such as /office/host")->required()->type_name("");
  put->add_option("VALUE", value_, "the value; -: what comes from standard input; after -- if it begins with -")->type_name("");
  put->add_option("--file", file_, "the value is what this file holds")->type_name("FILE");
  put->add_flag("--if-absent", if_absent_, "only if the key is not there");
  AddRevision(put, "--expect-revision", &expected_revision_, "only if this is the key's revision; 0: it is not there");
  SetExample(put, "scoutctl kv put /office/printers/laser/host 192.168.1.101");
  ChooseOnServer(put, this, &KvWriting::Put, chosen);

  CLI::App* const remove = kv->add_subcommand("delete", "delete a key, or all at and below it");
  remove->add_option("KEY", key_, "such as /office/host")->required()->type_name("");
  remove->add_flag("-r,--recursive", recursive_, "all below it too; says how many keys and which services that is, and asks");
  remove->add_flag("-y,--yes", yes_, "do not ask");
  AddRevision(remove, "--expect-revision", &expected_revision_, "only if this is the key's revision; not with --recursive");
  SetExample(remove, "scoutctl kv delete /office --recursive --yes");
  ChooseOnServer(remove, this, &KvWriting::Delete, chosen);
}

absl::StatusOr<Value> KvWriting::ReadValue() const {
  if (value_.has_value() == !file_.empty()) {
    return InvalidField(Reason::kInvalidField, "VALUE", value_.has_value() ? "is given, and --file too" : "is missing, and --file too");
  }
  absl::StatusOr<std::string> read = value_.value_or("");
  if (!file_.empty()) {
    read = ReadFile(file_, limits::kValueBytesMax);
  } else if (*value_ == "-") {
    read = ReadStandardInput(limits::kValueBytesMax);
  }
  if (!read.ok()) {
    return InvalidField(Reason::kInvalidField, file_.empty() ? "VALUE" : "--file",
                        absl::StrCat("cannot be read: ", file_.empty() ? "standard input" : file_, ": ", read.status().message()));
  }
  std::string bytes = *std::move(read);
  if (bytes.size() > limits::kValueBytesMax) {
    return InvalidField(Reason::kValueTooLarge, "VALUE", absl::StrCat("has more than ", limits::kValueBytesMax, " bytes"));
  }
  const Value::Form form = FindInvalidUtf8(bytes).has_value() ? Value::Form::kData : Value::Form::kText;
  return Value{form, std::move(bytes)};
}

absl::Status KvWriting::Put(const Call& call) const {
  absl::StatusOr<Value> value = ReadValue();
  if (!value.ok()) return value.status();
  const absl::StatusOr<PutResult> result =
      Registry(call.connection).Put(key_, *std::move(value), {.if_absent = if_absent_, .expected_mod_revision = expected_revision_});
  if (!result.ok()) return result.status();
  const std::string key = NormalKey(key_);
  call.printer.Done(absl::StrCat("put ", key, " at revision ", result->state.revision),
                    {.name = key,
                     .fields = {{"key", key},
                                {"revision", result->state.revision},
                                {"create_revision", result->create_revision},
                                {"version", result->version},
                                {"store_id", result->state.store_id}}});
  return absl::OkStatus();
}

absl::Status KvWriting::ConfirmPlan(const Call& call) const {
  if (!recursive_ || yes_) return absl::OkStatus();
  const absl::StatusOr<DeleteResult> plan = Registry(call.connection).Delete(key_, {.scope = Scope::kSubtree, .validate_only = true});
  const bool is_too_large = ReasonOf(plan.status()) == Reason::kTransactionTooLarge;
  if (!plan.ok() && !is_too_large) return plan.status();
  if (plan.ok() && plan->deleted == 0) return absl::OkStatus();
  const absl::StatusOr<std::string> services = ServicesHitText(call.connection, key_);
  if (!services.ok()) return services.status();
  const std::string what = is_too_large ? absl::StrCat("all at and below ", NormalKey(key_), *services,
                                                       ", which is too much for one transaction, and goes in pieces")
                                        : absl::StrCat(KeysText(plan->deleted), " at and below ", NormalKey(key_), *services);
  if (!call.printer.can_ask()) {
    return InvalidField(Reason::kInvalidField, "--yes", absl::StrCat("is missing: nobody can be asked whether to delete ", what));
  }
  if (call.printer.Confirmed(absl::StrCat("Delete ", what, "?"))) return absl::OkStatus();
  return absl::CancelledError("nothing was deleted");
}

absl::StatusOr<DeleteResult> KvWriting::DeleteInPieces(const Call& call) const {
  PiecewiseDelete pieces(Registry(call.connection), key_, call.settings.form);
  if (absl::Status failed = pieces.Run(); !failed.ok()) {
    call.printer.Note(absl::StrCat("deleted ", KeysText(pieces.deleted()), " before that"));
    return failed;
  }
  return DeleteResult{.deleted = pieces.deleted(), .state = pieces.state()};
}

absl::Status KvWriting::Delete(const Call& call) const {
  if (recursive_ && expected_revision_.has_value()) return InvalidField(Reason::kInvalidField, "--expect-revision", "excludes --recursive");
  if (absl::Status refused = ConfirmPlan(call); !refused.ok()) return refused;
  absl::StatusOr<DeleteResult> result =
      Registry(call.connection)
          .Delete(key_, {.scope = recursive_ ? Scope::kSubtree : Scope::kKey, .expected_mod_revision = expected_revision_});
  if (recursive_ && ReasonOf(result.status()) == Reason::kTransactionTooLarge) result = DeleteInPieces(call);
  if (!result.ok()) return result.status();
  const std::string key = NormalKey(key_);
  const std::string what = recursive_ ? absl::StrCat(KeysText(result->deleted), " at and below ", key) : key;
  call.printer.Done(
      result->deleted == 0 ? absl::StrCat("nothing at ", recursive_ ? "and below " : "", key)
                           : absl::StrCat("deleted ", what, " at revision ", result->state.revision),
      {.name = key,
       .fields = {{"key", key}, {"deleted", result->deleted}, {"revision", result->state.revision}, {"store_id", result->state.store_id}}});
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
