#include "cli/schema_verbs.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "client/schemas.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

// What a change of schemas or bindings has not done yet when it is answered.
constexpr char kNotAppliedNote[] = "the instances are still being read by it";

Json DocumentJson(const std::string& document) {
  Json parsed = Json::parse(document, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(document) : parsed;
}

// "any cluster" and "any service" are drawn as the wire has them.
std::string ServiceText(const std::string& cluster, const std::string& service) { return absl::StrCat(cluster, ":", service); }

Record FindingRecord(const std::string& kind, const FieldViolation& finding) {
  return {.name = finding.field, .fields = {{"kind", kind}, {"field", finding.field}, {"description", finding.description}}};
}

}  // namespace

SchemaVerbs::SchemaVerbs(CLI::App* schema, Verb* chosen) {
  CLI::App* const put = schema->add_subcommand("put", "store a schema: how instances lie, and what their properties must be");
  put->add_option("FILE", file_, "its document; -: what comes from standard input")->required()->type_name("");
  SetExample(put, "scoutctl schema put printers2.json");
  ChooseOnServer(put, this, &SchemaVerbs::Put, chosen);

  CLI::App* const get = schema->add_subcommand("get", "show a schema");
  get->add_option("NAME", name_, "of the schema")->required()->type_name("");
  get->add_flag("--raw", raw_, "the document and nothing else, as put takes it");
  SetExample(get, "scoutctl schema get printers");
  ChooseOnServer(get, this, &SchemaVerbs::Get, chosen);

  CLI::App* const list = schema->add_subcommand("list", "list all schemas");
  SetExample(list, "scoutctl schema list");
  ChooseOnServer(list, this, &SchemaVerbs::List, chosen);

  CLI::App* const check = schema->add_subcommand("check", "say what put would say of a document, and store nothing");
  check->add_option("FILE", file_, "the document; -: what comes from standard input")->required()->type_name("");
  SetExample(check, "scoutctl schema check printers2.json");
  ChooseOnServer(check, this, &SchemaVerbs::Check, chosen);

  CLI::App* const remove = schema->add_subcommand("delete", "delete a schema that no service has");
  remove->add_option("NAME", name_, "of the schema")->required()->type_name("");
  SetExample(remove, "scoutctl schema delete printers2");
  ChooseOnServer(remove, this, &SchemaVerbs::Delete, chosen);
  DeclareBindings(schema, chosen);
}

void SchemaVerbs::DeclareBindings(CLI::App* schema, Verb* chosen) {
  constexpr char kServiceHelp[] = "its name; '*': all that nothing more specific is said of";
  constexpr char kAllClustersHelp[] = "of all clusters, not of --cluster alone";
  CLI::App* const bind = schema->add_subcommand("bind", "say which schema a service has");
  bind->add_option("SERVICE", service_, kServiceHelp)->required()->type_name("");
  bind->add_option("SCHEMA", name_, "its name; none: no discovery")->required()->type_name("");
  bind->add_flag("--all-clusters", all_clusters_, kAllClustersHelp);
  SetExample(bind, "scoutctl schema bind Printer printers2");
  ChooseOnServer(bind, this, &SchemaVerbs::Bind, chosen);

  CLI::App* const unbind = schema->add_subcommand("unbind", "take a binding back: what is less specific holds again");
  unbind->add_option("SERVICE", service_, kServiceHelp)->required()->type_name("");
  unbind->add_flag("--all-clusters", all_clusters_, kAllClustersHelp);
  SetExample(unbind, "scoutctl schema unbind Printer");
  ChooseOnServer(unbind, this, &SchemaVerbs::Unbind, chosen);

  CLI::App* const bindings = schema->add_subcommand("bindings", "list which services have which schema, the most specific first");
  SetExample(bindings, "scoutctl schema bindings");
  ChooseOnServer(bindings, this, &SchemaVerbs::ListBindings, chosen);
}

absl::StatusOr<std::string> SchemaVerbs::ReadDocument() const {
  const bool is_input = file_ == "-";
  absl::StatusOr<std::string> read =
      is_input ? ReadStandardInput(limits::kSchemaDocumentBytesMax) : ReadFile(file_, limits::kSchemaDocumentBytesMax);
  if (!read.ok()) {
    return InvalidField(Reason::kInvalidField, "FILE",
                        absl::StrCat("cannot be read: ", is_input ? "standard input" : file_, ": ", read.status().message()));
  }
  if (read->size() > limits::kSchemaDocumentBytesMax) {
    return InvalidField(Reason::kInvalidField, "FILE", absl::StrCat("has more than ", limits::kSchemaDocumentBytesMax, " bytes"));
  }
  return read;
}

std::string SchemaVerbs::ClusterIn(const Call& call) const { return all_clusters_ ? std::string(discovery::kAny) : call.settings.cluster; }

absl::Status SchemaVerbs::Put(const Call& call) const {
  const absl::StatusOr<std::string> document = ReadDocument();
  if (!document.ok()) return document.status();
  const absl::StatusOr<PutSchemaResult> result = Schemas(call.connection).Put(*document);
  if (!result.ok()) return result.status();
  const Json stored = DocumentJson(result->document);
  const std::string name = stored.is_object() ? stored.value("name", "") : "";
  Record record{.name = name,
                .fields = {{"name", name}, {"version", result->version}, {"unchanged", result->unchanged}, {"applied", result->applied}}};
  Append(StateFields(result->state), &record);
  call.printer.Done(result->unchanged
                        ? absl::StrCat("schema ", name, " was just so already, in version ", result->version)
                        : absl::StrCat("put schema ", name, " in version ", result->version, " at revision ", result->state.revision),
                    record);
  if (!result->applied) call.printer.Note(kNotAppliedNote);
  return absl::OkStatus();
}

absl::Status SchemaVerbs::Get(const Call& call) const {
  const absl::StatusOr<GetSchemaResult> result = Schemas(call.connection).Get(name_);
  if (!result.ok()) return result.status();
  const StoredSchema& schema = result->schema;
  if (raw_) {
    call.printer.Raw(schema.document);
    return absl::OkStatus();
  }
  Record record{.name = schema.name,
                .fields = {{"name", schema.name},
                           {"version", schema.version},
                           {"shipped", schema.shipped},
                           {"document", DocumentJson(schema.document), Where::kAlways, schema.document}}};
  Append(StateFields(result->state), &record);
  call.printer.Item(record);
  return absl::OkStatus();
}

absl::Status SchemaVerbs::List(const Call& call) const {
  const absl::StatusOr<ListSchemasResult> result = Schemas(call.connection).List();
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const StoredSchema& schema : result->schemas) {
    records.push_back({.name = schema.name,
                       .fields = {{"name", schema.name},
                                  {"version", schema.version},
                                  {"shipped", schema.shipped},
                                  {"document", DocumentJson(schema.document), Where::kWide, schema.document}}});
  }
  call.printer.List("schemas", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::Status SchemaVerbs::Check(const Call& call) const {
  const absl::StatusOr<std::string> document = ReadDocument();
  if (!document.ok()) return document.status();
  const absl::StatusOr<CheckSchemaResult> result = Schemas(call.connection).Check(*document);
  if (!result.ok()) return result.status();
  std::vector<Record> findings;
  for (const FieldViolation& mistake : result->mistakes) findings.push_back(FindingRecord("mistake", mistake));
  for (const FieldViolation& broken : result->breaks) findings.push_back(FindingRecord("break", broken));
  if (findings.empty() && call.settings.form != OutputForm::kJson) {
    call.printer.Done("it can be put", {.name = "", .fields = {}});
  } else {
    call.printer.List("findings", findings, StateJson(result->state));
  }
  if (!result->mistakes.empty()) return absl::InvalidArgumentError("the document cannot be put: it has mistakes");
  if (!result->breaks.empty()) return absl::FailedPreconditionError("the document cannot be put: it breaks what is there");
  return absl::OkStatus();
}

absl::Status SchemaVerbs::Delete(const Call& call) const {
  const absl::StatusOr<DeleteSchemaResult> result = Schemas(call.connection).Delete(name_);
  if (!result.ok()) return result.status();
  Record record{.name = name_, .fields = {{"name", name_}, {"found", result->found}}};
  Append(StateFields(result->state), &record);
  call.printer.Done(result->found ? absl::StrCat("deleted schema ", name_, " at revision ", result->state.revision)
                                  : absl::StrCat("there is no schema ", name_),
                    record);
  return absl::OkStatus();
}

absl::Status SchemaVerbs::PutBinding(const Call& call, const discovery::Binding& binding) const {
  const absl::StatusOr<PutBindingResult> result = Schemas(call.connection).PutBinding(binding);
  if (!result.ok()) return result.status();
  const std::string services = ServiceText(binding.cluster, binding.service);
  Record record{.name = services,
                .fields = {{"cluster", binding.cluster},
                           {"service", binding.service},
                           {"schema", binding.schema.empty() ? Json() : Json(binding.schema)},
                           {"unchanged", result->unchanged},
                           {"applied", result->applied}}};
  Append(StateFields(result->state), &record);
  const std::string what = binding.schema.empty() ? absl::StrCat(services, " is bound to nothing of its own")
                                                  : absl::StrCat(services, " is bound to ", binding.schema);
  call.printer.Done(
      result->unchanged ? absl::StrCat(what, ", as it was already") : absl::StrCat(what, " from revision ", result->state.revision),
      record);
  if (!result->applied) call.printer.Note(kNotAppliedNote);
  return absl::OkStatus();
}

absl::Status SchemaVerbs::Bind(const Call& call) const {
  if (name_.empty()) return InvalidField(Reason::kInvalidField, "SCHEMA", "is empty; scoutctl schema unbind takes a binding back");
  return PutBinding(call, {.cluster = ClusterIn(call), .service = service_, .schema = name_});
}

absl::Status SchemaVerbs::Unbind(const Call& call) const {
  return PutBinding(call, {.cluster = ClusterIn(call), .service = service_, .schema = ""});
}

absl::Status SchemaVerbs::ListBindings(const Call& call) const {
  const absl::StatusOr<ListBindingsResult> result = Schemas(call.connection).ListBindings();
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const discovery::Binding& binding : result->bindings) {
    records.push_back({.name = ServiceText(binding.cluster, binding.service),
                       .fields = {{"cluster", binding.cluster}, {"service", binding.service}, {"schema", binding.schema}}});
  }
  call.printer.List("bindings", records, StateJson(result->state));
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
