#include "cli/kv_transacting.h"

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/terminal_text.h"
#include "cli/transaction_document.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

Json EntriesJson(const std::vector<Entry>& entries) {
  Json json = Json::array();
  for (const Entry& entry : entries) json.push_back(JsonOf(EntryRecord(entry)));
  return json;
}

// What an operation did: `operation`, `key`, a text for tables, and members for JSON.
Record ResultRecord(const std::string& operation, const std::string& key, const std::string& text, std::vector<Field> members) {
  Record record{.name = key, .fields = {{"operation", operation}, {"key", key}, {"result", {}, Where::kAlways, text}}};
  for (Field& member : members) member.where = Where::kJson;
  Append(std::move(members), &record);
  return record;
}

struct Recorded {
  const Operation& operation;

  Record operator()(const OperationResult::Put& put) const {
    return ResultRecord("put", std::get<Operation::Put>(operation.what).key,
                        put.version == 1 ? "created" : absl::StrCat("version ", put.version),
                        {{"create_revision", put.create_revision},
                         {"version", put.version},
                         {"previous", put.previous.has_value() ? JsonOf(EntryRecord(*put.previous)) : Json()}});
  }
  Record operator()(const OperationResult::Delete& removed) const {
    return ResultRecord("delete", std::get<Operation::Delete>(operation.what).key, absl::StrCat("deleted ", removed.deleted),
                        {{"deleted", removed.deleted}, {"previous", removed.previous.empty() ? Json() : EntriesJson(removed.previous)}});
  }
  Record operator()(const OperationResult::Get& got) const {
    return ResultRecord("get", std::get<Operation::Get>(operation.what).key,
                        got.entry.has_value() ? ValueText(got.entry->value) : "not there",
                        {{"entry", got.entry.has_value() ? JsonOf(EntryRecord(*got.entry)) : Json()}});
  }
  Record operator()(const OperationResult::List& list) const {
    return ResultRecord("list", std::get<Operation::List>(operation.what).parent,
                        absl::StrCat(list.entries.size(), list.more ? " entries, and more" : " entries"),
                        {{"entries", EntriesJson(list.entries)}, {"more", list.more}});
  }
};

// Of the branch that was carried out. A server that sends results of other kinds than were asked for has a fault.
absl::StatusOr<std::vector<Record>> RecordsOf(const std::vector<Operation>& operations, const std::vector<OperationResult>& results) {
  std::vector<Record> records;
  if (results.size() != operations.size()) return absl::InternalError("the server sent another number of results than was asked for");
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].what.index() != operations[i].what.index())
      return absl::InternalError("the server sent another result than was asked for");
    records.push_back(std::visit(Recorded{operations[i]}, results[i].what));
  }
  return records;
}

}  // namespace

KvTransacting::KvTransacting(CLI::App* kv, Verb* chosen) {
  CLI::App* const verb = kv->add_subcommand("txn", "several operations at one revision, all or none, if conditions hold");
  verb->add_option("FILE", file_, "the transaction; -: what comes from standard input")->required()->type_name("");
  SetFooter(
      verb,
      {.text = absl::StrCat(
           "An object of JSON: {\"conditions\": [...], \"on_success\": [...], \"on_failure\": [...]}, of which any may be missing.\n",
           "A condition: {\"key\": K} with one of \"exists\": BOOL, \"value\": TEXT, \"version\": N, \"create_revision\": N, "
           "\"mod_revision\": "
           "N,\n",
           "\"lease_id\": N, and \"is\": equal, not_equal, less or greater. An operation: {\"put\": {\"key\": K, \"value\": TEXT}},\n",
           "{\"delete\": {\"key\": K, \"scope\": key|children|subtree}}, {\"get\": {\"key\": K}} or {\"list\": {\"parent\": K}}. A value "
           "of "
           "bytes is in\n",
           "base64, with \"encoding\": \"base64\" beside it. Exit code 4: the conditions did not hold, and on_failure was carried out."),
       .example = "scoutctl kv txn - <<<'{\"conditions\": [{\"key\": \"/lock\", \"exists\": false}], "
                  "\"on_success\": [{\"put\": {\"key\": \"/lock\", \"value\": \"me\"}}]}'"});
  ChooseOnServer(verb, this, &KvTransacting::Transact, chosen);
}

absl::Status KvTransacting::Transact(const Call& call) const {
  const bool is_input = file_ == "-";
  const absl::StatusOr<std::string> text =
      is_input ? ReadStandardInput(kTransactionDocumentBytesMax) : ReadFile(file_, kTransactionDocumentBytesMax);
  if (!text.ok()) {
    return InvalidField(Reason::kInvalidField, "FILE",
                        absl::StrCat("cannot be read: ", is_input ? "standard input" : file_, ": ", text.status().message()));
  }
  const absl::StatusOr<Transaction> transaction = ParseTransaction(*text);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<TransactResult> result = Registry(call.connection).Transact(*transaction);
  if (!result.ok()) return result.status();
  const absl::StatusOr<std::vector<Record>> records =
      RecordsOf(result->succeeded ? transaction->on_success : transaction->on_failure, result->results);
  if (!records.ok()) return records.status();
  if (records->empty() && call.settings.form != OutputForm::kJson) {
    if (result->succeeded) call.printer.Done("the conditions hold", {.name = "", .fields = {}});
  } else {
    Json rest = {{"succeeded", result->succeeded}};
    rest.update(StateJson(result->state));
    call.printer.List("results", *records, rest);
  }
  return result->succeeded ? absl::OkStatus() : absl::FailedPreconditionError("the conditions do not hold");
}

}  // namespace scoutlight::cli
