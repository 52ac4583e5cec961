#include "server/discovery/schema_editor.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/limits.h"
#include "discovery/schema_breaks.h"
#include "discovery/schema_document.h"
#include "discovery/shipped_schemas.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/run_on_reader.h"
#include "server/discovery/schema_users.h"
#include "server/discovery/store_requests.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

using discovery::Binding;
using discovery::Bindings;
using discovery::Claims;
using discovery::Schema;
using storage::Condition;

absl::Status Refused(absl::StatusCode code, Reason reason, absl::string_view resource, absl::string_view message,
                     std::vector<FieldViolation> violations = {}) {
  ErrorDetails details;
  details.reason = reason;
  details.resource = std::string(resource);
  details.violations = std::move(violations);
  return MakeError(code, message, details);
}

absl::Status Shipped(absl::string_view name) {
  return Refused(absl::StatusCode::kFailedPrecondition, Reason::kSchemaShipped, name,
                 absl::StrCat("schema ", name, " is there from the start and stays as it is"));
}

absl::Status TooMany(absl::string_view description) {
  ErrorDetails details;
  details.reason = Reason::kOverloaded;
  details.retry_after = absl::Minutes(1);
  return MakeError(absl::StatusCode::kResourceExhausted, description, details);
}

absl::Status StillUsed(absl::string_view name, const SchemaUsers& users) {
  const bool one = users.instances == 1;
  return Refused(
      absl::StatusCode::kFailedPrecondition, Reason::kSchemaInUse, name,
      absl::StrCat("schema ", name, " is what ", users.instances == limits::kSchemaUsersMax ? "at least " : "", users.instances,
                   one ? " instance was" : " instances were", " registered under", one ? ": " : ", first of them ", users.first));
}

absl::Status TooManyScans() {
  return storage::Overloaded(absl::StrCat("whether a schema is in use is being looked up, and at most ", limits::kSchemaScansMax,
                                          " of these look-ups run at a time"));
}

// What was put at `path`, as it was read from history.
absl::StatusOr<Schema> SchemaIn(const storage::Page& page, absl::string_view path) {
  if (!page.status.ok()) return page.status;
  if (!page.entries.empty()) {
    absl::StatusOr<Schema> schema = discovery::ParseSchemaDocument(page.entries.front().value.bytes);
    if (schema.ok()) return schema;
  }
  return Refused(absl::StatusCode::kInternal, Reason::kInternal, path, absl::StrCat("history does not have ", path, " as it was put"));
}

// What one try is to do.
struct Plan {
  std::shared_ptr<const Schema> schema;  // Of a put.
  Key key;                               // Of the record.
  std::optional<Value> value;            // nullopt: the record goes.
  bool unchanged = false;                // Nothing.
  std::string unused;                    // No instance may have been registered under this schema; empty: none.
};

absl::StatusOr<Plan> PlanPut(const Claims& claims, const Schema& wanted) {
  if (IsShipped(wanted.name)) return Shipped(wanted.name);
  NextSchema next = FindNextSchema(claims, wanted);
  if (!next.breaks.empty()) {
    const std::string message =
        absl::StrCat("schema ", wanted.name, " may not change so: ", next.breaks[0].field, " ", next.breaks[0].description,
                     next.breaks.size() == 1 ? "" : absl::StrCat(", and ", next.breaks.size() - 1, " more"));
    return Refused(absl::StatusCode::kFailedPrecondition, Reason::kSchemaBreaks, wanted.name, message, std::move(next.breaks));
  }
  for (const FieldViolation& mistake : next.mistakes) {
    if (mistake.field == "schemas") return TooMany(absl::StrCat("schemas ", mistake.description));
  }
  if (!next.mistakes.empty()) return InvalidFields(Reason::kInvalidField, std::move(next.mistakes));
  return Plan{.schema = next.schema,
              .key = discovery::SchemaKey(wanted.name),
              .value = Value{Value::Form::kText, discovery::SchemaDocument(*next.schema)},
              .unchanged = next.unchanged};
}

absl::StatusOr<Plan> PlanDelete(const Claims& claims, const std::string& name) {
  if (IsShipped(name)) return Shipped(name);
  const Binding* first = nullptr;
  size_t bound = 0;
  for (const Binding& binding : claims.bindings().all()) {
    if (binding.schema != name) continue;
    if (first == nullptr) first = &binding;
    ++bound;
  }
  if (first != nullptr) {
    return Refused(absl::StatusCode::kFailedPrecondition, Reason::kSchemaInUse, name,
                   absl::StrCat("schema ", name, " is what ", first->cluster, "/", first->service, " is bound to",
                                bound == 1 ? "" : absl::StrCat(", and ", bound - 1, " more")));
  }
  Plan plan{.schema = nullptr, .key = discovery::SchemaKey(name), .value = std::nullopt};
  // One that cannot be read tells nobody where its instances lie.
  if (claims.FindSchema(name) != nullptr) plan.unused = name;
  return plan;
}

absl::StatusOr<Plan> PlanBind(const Claims& claims, const Binding& binding) {
  Plan plan{.schema = nullptr, .key = discovery::BindingKey(binding.cluster, binding.service), .value = std::nullopt};
  const Binding by_default{std::string(discovery::kAny), std::string(discovery::kAny), std::string(discovery::kDefaultSchema)};
  // What holds by default is not stored, so that all that is stored counts.
  if (binding.schema.empty() || binding == by_default) return plan;
  if (binding.schema != discovery::kNoSchema && claims.FindSchema(binding.schema) == nullptr) {
    const std::string fault = absl::StrCat("is ", binding.schema, ", which is no schema here");
    return Refused(absl::StatusCode::kFailedPrecondition, Reason::kSchemaNotFound, binding.schema, absl::StrCat("binding.schema ", fault),
                   {{"binding.schema", fault}});
  }
  plan.value = Value{Value::Form::kText, binding.schema};
  std::vector<Binding> all = claims.bindings().all();
  if (all.back() == by_default) all.pop_back();
  const auto same = std::find_if(all.begin(), all.end(), [&binding](const Binding& other) {  //
    return other.cluster == binding.cluster && other.service == binding.service;
  });
  if (same == all.end()) {
    if (all.size() >= static_cast<size_t>(limits::kBindingsMax)) {
      return TooMany(absl::StrCat("bindings are ", all.size(), " already, at most ", limits::kBindingsMax, " are allowed"));
    }
    all.push_back(binding);
  } else {
    plan.unchanged = same->schema == binding.schema;
    same->schema = binding.schema;
  }
  const absl::StatusOr<Bindings> together = Bindings::Create(std::move(all));
  if (!together.ok()) return together.status();
  if (absl::Status wrong = Claims::Create(claims.schemas(), *together).status(); !wrong.ok()) return wrong;
  return plan;
}

}  // namespace

bool IsShipped(absl::string_view name) {
  const std::vector<std::shared_ptr<const Schema>>& shipped = discovery::ShippedSchemas();
  return std::any_of(shipped.begin(), shipped.end(), [name](const std::shared_ptr<const Schema>& schema) { return schema->name == name; });
}

NextSchema FindNextSchema(const Claims& claims, Schema wanted) {
  NextSchema next;
  const std::shared_ptr<const Schema> previous = claims.FindSchema(wanted.name);
  wanted.version = previous == nullptr ? 1 : previous->version;
  if (previous != nullptr && *previous == wanted) {
    next.schema = previous;
    next.unchanged = true;
    return next;
  }
  if (previous != nullptr) ++wanted.version;
  next.schema = std::make_shared<const Schema>(std::move(wanted));
  if (previous != nullptr) next.breaks = discovery::FindBreaks(*previous, *next.schema);
  // As it is stored it may be longer than as it came, and must be read again.
  if (const size_t stored = discovery::SchemaDocument(*next.schema).size(); stored > limits::kSchemaDocumentBytesMax) {
    next.mistakes = {{"document", absl::StrCat("takes ", stored, " bytes with what it leaves to defaults, at most ",
                                               limits::kSchemaDocumentBytesMax, " are allowed")}};
    return next;
  }
  // The new one last, so that whatever does not fit is said of it.
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (const std::shared_ptr<const Schema>& schema : claims.schemas()) {
    if (schema != previous) schemas.push_back(schema);
  }
  schemas.push_back(next.schema);
  const std::string prefix = absl::StrCat("schemas[", schemas.size() - 1, "].");
  const absl::Status together = Claims::Create(std::move(schemas), claims.bindings()).status();
  if (together.ok()) return next;
  next.mistakes = DetailsOf(together).value_or(ErrorDetails()).violations;
  for (FieldViolation& mistake : next.mistakes) mistake.field = std::string(absl::StripPrefix(mistake.field, prefix));
  return next;
}

// One change, over its tries. Held by whoever it waits for.
class SchemaEditor::Edit : public std::enable_shared_from_this<Edit> {
 public:
  using Planner = std::function<absl::StatusOr<Plan>(const Claims&)>;

  // `put`: the record of the schema that is put; nullopt: none is.
  Edit(SchemaEditor* editor, Planner plan, std::optional<Key> put, storage::Origin origin, Done done)
      : editor_(*editor), planner_(std::move(plan)), put_(std::move(put)), origin_(std::move(origin)), done_(std::move(done)) {}

  void Try() {
    const CatalogFeed::ClaimsAt at = editor_.feed_.claims();
    if (at.claims == nullptr) return Fail(CatalogLoading(), 0);
    const absl::Status refused = RunOverClaims(*at.claims, &editor_.readers_, [self = shared_from_this(), at] { self->TryUnder(at); });
    if (!refused.ok()) Fail(refused, at.revision);
  }

 private:
  void TryUnder(const CatalogFeed::ClaimsAt& at) {
    absl::StatusOr<Plan> plan = planner_(*at.claims);
    if (!plan.ok()) return Refuse(plan.status(), at.revision);
    plan_ = *std::move(plan);
    if (plan_.unused.empty()) return Commit(at.revision);
    if (!editor_.BeginScan()) return Fail(TooManyScans(), at.revision);
    CountSchemaUsers(&editor_.store_, plan_.unused, [self = shared_from_this(), at = at.revision](const SchemaUsers& users) {
      self->editor_.EndScan();
      if (!users.status.ok()) return self->Fail(users.status, users.revision);
      if (users.instances > 0) return self->Refuse(StillUsed(self->plan_.unused, users), users.revision);
      self->Commit(at);
    });
  }

  // If no other change came after `at`.
  void Commit(Revision at) {
    storage::Transaction transaction;
    transaction.origin = origin_;
    for (const Key& key : {discovery::SchemasTree(), plan_.key}) {
      transaction.conditions.push_back(
          {.key = key, .target = Condition::Target::kModRevision, .comparison = Condition::Comparison::kLess, .number = at + 1});
    }
    if (plan_.unchanged) {
      // Nothing to write, but that nobody has changed it since is asked of the store: what is in force may be older.
    } else if (plan_.value.has_value()) {
      transaction.on_success.push_back(storage::PutOperation{.key = plan_.key, .value = *plan_.value});
    } else {
      transaction.conditions.push_back({.key = plan_.key, .target = Condition::Target::kExists, .exists = true});
      transaction.on_success.push_back(storage::DeleteOperation{.range = {plan_.key, Scope::kKey}});
      transaction.on_failure.push_back(storage::GetOperation{.key = plan_.key});
    }
    if (!plan_.unchanged) transaction.on_success.push_back(storage::PutOperation{.key = discovery::SchemasTree(), .value = {}});
    editor_.store_.Commit(std::move(transaction),
                          [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  void OnCommitted(const storage::CommitResult& result) {
    if (!result.status.ok()) return Fail(result.status, result.revision);
    if (result.replayed) return AnswerAgain(result.revision);
    // That nothing has changed since is known now, so it is in force.
    if (result.succeeded && plan_.unchanged) return Answer(result.revision, true, true);
    const bool gone_already = !result.succeeded && !plan_.value.has_value() && result.results.front().entries.empty();
    const bool again = !result.succeeded && !gone_already;
    if (again && ++tries_ == limits::kContendedTriesMax) {
      return Fail(Refused(absl::StatusCode::kAborted, Reason::kContended, plan_.key.path(),
                          absl::StrCat("others kept changing schemas or bindings, ", limits::kContendedTriesMax, " times in a row")),
                  result.revision);
    }
    editor_.feed_.WhenApplied(result.revision,
                              [self = shared_from_this(), revision = result.revision, again, gone_already](const absl::Status& status) {
                                if (!again) return self->Answer(revision, status.ok(), gone_already);
                                if (!status.ok()) return self->Fail(status, revision);
                                self->Try();
                              });
  }

  // Ends with `status`, unless this request has been carried out already.
  void Refuse(absl::Status status, Revision revision) {
    AskCarriedOut(&editor_.store_, origin_,
                  [self = shared_from_this(), status = std::move(status), revision](const storage::CommitResult& known) {
                    if (!known.status.ok()) return self->Fail(known.status, known.revision);
                    if (known.replayed) return self->AnswerAgain(known.revision);
                    self->Fail(status, revision);
                  });
  }

  // This request was carried out at `revision`.
  void AnswerAgain(Revision revision) {
    plan_.schema = nullptr;
    if (!put_.has_value()) return AnswerReplayed(revision);
    storage::Query query;
    query.range = {*put_, Scope::kKey};
    query.revision = revision;
    query.bytes_max = limits::kAnswerBytesMax;
    editor_.store_.Read(std::move(query), [self = shared_from_this(), revision](const storage::Page& page) {
      // Given up by compaction: then only that it was carried out is known.
      if (absl::IsOutOfRange(page.status)) return self->AnswerReplayed(revision);
      absl::StatusOr<Schema> schema = SchemaIn(page, self->put_->path());
      if (!schema.ok()) return self->Fail(schema.status(), page.revision);
      self->plan_.schema = std::make_shared<const Schema>(*std::move(schema));
      self->AnswerReplayed(revision);
    });
  }

  void AnswerReplayed(Revision revision) {
    editor_.feed_.WhenApplied(revision, [self = shared_from_this(), revision](const absl::Status& status) {
      std::move(self->done_)(
          {.status = {}, .revision = revision, .applied = status.ok(), .unchanged = false, .replayed = true, .schema = self->plan_.schema});
    });
  }

  void Answer(Revision revision, bool applied, bool unchanged) {
    std::move(done_)(
        {.status = {}, .revision = revision, .applied = applied, .unchanged = unchanged, .replayed = false, .schema = plan_.schema});
  }

  void Fail(const absl::Status& status, Revision revision) {
    std::move(done_)({.status = status, .revision = revision, .applied = false, .unchanged = false, .replayed = false, .schema = nullptr});
  }

  SchemaEditor& editor_;
  const Planner planner_;
  const std::optional<Key> put_;
  const storage::Origin origin_;
  Done done_;
  Plan plan_;
  int tries_ = 0;
};

bool SchemaEditor::BeginScan() {
  MutexLock lock(&mu_);
  if (scans_ == limits::kSchemaScansMax) return false;
  ++scans_;
  return true;
}

void SchemaEditor::EndScan() {
  MutexLock lock(&mu_);
  --scans_;
}

void SchemaEditor::Put(Schema schema, storage::Origin origin, Done done) {
  const Key key = discovery::SchemaKey(schema.name);
  const auto plan = [schema = std::move(schema)](const Claims& claims) { return PlanPut(claims, schema); };
  std::make_shared<Edit>(this, plan, key, std::move(origin), std::move(done))->Try();
}

void SchemaEditor::Delete(std::string name, storage::Origin origin, Done done) {
  const auto plan = [name = std::move(name)](const Claims& claims) { return PlanDelete(claims, name); };
  std::make_shared<Edit>(this, plan, std::nullopt, std::move(origin), std::move(done))->Try();
}

void SchemaEditor::Bind(Binding binding, storage::Origin origin, Done done) {
  const auto plan = [binding = std::move(binding)](const Claims& claims) { return PlanBind(claims, binding); };
  std::make_shared<Edit>(this, plan, std::nullopt, std::move(origin), std::move(done))->Try();
}

}  // namespace scoutlight::server
