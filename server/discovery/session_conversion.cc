#include "server/discovery/session_conversion.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/system_records.h"
#include "server/discovery/instance_conversion.h"
#include "server/request_fields.h"
#include "server/violations.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::InstanceName;

// Whether a list is no longer than what a session may have.
bool CheckCount(int count, absl::string_view field, Violations* violations) {
  if (count <= limits::kSessionInstancesMax) return true;
  violations->Add(Reason::kInvalidField, field, absl::StrCat("has ", count, ", at most ", limits::kSessionInstancesMax, " are allowed"));
  return false;
}

// Sees that each instance is named once.
class OnceEach {
 public:
  // `field`: where it is named, in words.
  void Add(const InstanceName& name, const std::string& field, Violations* violations) {
    if (name.id.empty()) return;  // That is wrong by itself.
    const auto [first, is_new] = places_.try_emplace(name, field);
    if (is_new) return;
    violations->Add(Reason::kInvalidField, "id",
                    absl::StrCat("is ", Shown(name.id), ", and so is that of ", first->second, ": each instance can be named once"));
  }

 private:
  absl::flat_hash_map<InstanceName, std::string> places_;
};

void ReadSet(const wire::SessionRequest::Declare& declare, OnceEach* once, Declaration* declaration, Violations* violations) {
  if (!CheckCount(declare.set_size(), "declare.set", violations)) return;
  for (int i = 0; i < declare.set_size(); ++i) {
    const wire::Registration& one = declare.set(i);
    const std::string field = absl::StrCat("declare.set[", i, "]");
    violations->SetPrefix(absl::StrCat(field, "."));
    // Not refused alone, as what else is wrong with properties: it would be kept, and each takes more memory than its bytes.
    if (one.properties_size() > limits::kPropertiesMax) {
      violations->Add(Reason::kInvalidField, "properties",
                      absl::StrCat("are ", one.properties_size(), ", at most ", limits::kPropertiesMax, " are allowed"));
      continue;
    }
    Declaration::Wanted wanted{.name = {one.cluster().empty() ? "default" : one.cluster(), one.service(), one.id()},
                               .properties = discovery::Properties(one.properties().begin(), one.properties().end())};
    for (const FieldViolation& violation : discovery::CheckInstance(wanted.name, {})) {
      violations->Add(Reason::kInvalidField, violation.field, violation.description);
    }
    once->Add(wanted.name, field, violations);
    declaration->set.push_back(std::move(wanted));
  }
  violations->SetPrefix("");
}

Declaration ReadDeclaration(const wire::SessionRequest::Declare& declare, Violations* violations) {
  Declaration declaration{
      .replace = declare.replace(), .take_over = declare.take_over(), .more = declare.more(), .number = declare.number()};
  OnceEach once;
  ReadSet(declare, &once, &declaration, violations);
  if (!CheckCount(declare.remove_size(), "declare.remove", violations)) return declaration;
  for (int i = 0; i < declare.remove_size(); ++i) {
    const std::string field = absl::StrCat("declare.remove[", i, "]");
    violations->SetPrefix(absl::StrCat(field, "."));
    declaration.remove.push_back(ReadInstanceName(declare.remove(i), violations));
    once.Add(declaration.remove.back(), field, violations);
  }
  violations->SetPrefix("");
  return declaration;
}

discovery::SoftValues SoftOf(const wire::SoftValues& values) {
  discovery::SoftValues soft;
  if (values.has_load()) soft.load = values.load();
  if (values.has_reliability()) soft.reliability = values.reliability();
  soft.counters.insert(values.counters().begin(), values.counters().end());
  return soft;
}

SessionHeartbeat ReadHeartbeatStep(const wire::SessionRequest::Heartbeat& heartbeat, Violations* violations) {
  SessionHeartbeat step;
  if (!CheckCount(heartbeat.values_size(), "heartbeat.values", violations)) return step;
  for (int i = 0; i < heartbeat.values_size(); ++i) {
    const wire::SessionRequest::Heartbeat::Values& values = heartbeat.values(i);
    violations->SetPrefix(absl::StrCat("heartbeat.values[", i, "].name."));
    SoftUpdate update{.name = ReadInstanceName(values.name(), violations), .soft = SoftOf(values.soft())};
    violations->SetPrefix(absl::StrCat("heartbeat.values[", i, "].soft."));
    for (const FieldViolation& violation : discovery::CheckSoftValues(update.soft)) {
      violations->Add(Reason::kInvalidField, violation.field, violation.description);
    }
    step.updates.push_back(std::move(update));
  }
  violations->SetPrefix("");
  return step;
}

SessionOpening ReadOpening(const wire::SessionRequest::Open& open, const storage::Traits& traits, Violations* violations) {
  violations->SetPrefix("open.");
  const size_t bytes = open.session_id().size();
  if (bytes == 0 || bytes > limits::kSessionIdBytesMax) {
    violations->Add(Reason::kInvalidField, "session_id",
                    absl::StrCat("is ", bytes, " bytes long, must be from 1 to ", limits::kSessionIdBytesMax));
  }
  SessionOpening opening{.id = open.session_id(), .ttl = ReadDuration(open.ttl(), traits.ttl_min, traits.ttl_max, "ttl", violations)};
  violations->SetPrefix("");
  return opening;
}

SessionStep ReadStep(const wire::SessionRequest& request, const storage::Traits& traits, Violations* violations) {
  switch (request.step_case()) {
    case wire::SessionRequest::kOpen:
      return ReadOpening(request.open(), traits, violations);
    case wire::SessionRequest::kDeclare:
      return ReadDeclaration(request.declare(), violations);
    case wire::SessionRequest::kHeartbeat:
      return ReadHeartbeatStep(request.heartbeat(), violations);
    case wire::SessionRequest::kLeave:
      return SessionLeaving();
    case wire::SessionRequest::STEP_NOT_SET:
      break;
  }
  violations->Add(Reason::kInvalidField, "step", "one of open, declare, heartbeat, leave must be set");
  return SessionLeaving();
}

}  // namespace

absl::StatusOr<SessionStep> SessionStepOf(const wire::SessionRequest& request, const storage::Traits& traits) {
  Violations violations;
  SessionStep step = ReadStep(request, traits, &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return step;
}

std::vector<KeyRange> RangesOf(const SessionStep& step) {
  std::vector<KeyRange> ranges;
  if (const auto* opening = std::get_if<SessionOpening>(&step)) ranges.push_back({discovery::SessionKey(opening->id), Scope::kKey});
  if (const auto* declaration = std::get_if<Declaration>(&step)) {
    for (const Declaration::Wanted& wanted : declaration->set) ranges.push_back(RangeOf(wanted.name));
    for (const InstanceName& name : declaration->remove) ranges.push_back(RangeOf(name));
  }
  if (const auto* heartbeat = std::get_if<SessionHeartbeat>(&step)) {
    for (const SoftUpdate& update : heartbeat->updates) ranges.push_back(RangeOf(update.name));
  }
  return ranges;
}

}  // namespace scoutlight::server
