#ifndef SCOUTLIGHT_CLI_INSTANCE_RECORDS_H_
#define SCOUTLIGHT_CLI_INSTANCE_RECORDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/record.h"
#include "client/discovery.h"
#include "client/registration.h"
#include "discovery/endpoint.h"
#include "discovery/instance.h"
#include "discovery/names.h"

// What the verbs of `service` show. Thread-safe.
namespace scoutlight::cli {

// All of an instance: `id`, `status`, `health`, `resolvable`, `endpoint`, `zone`, its properties, problems, lease and revisions.
Record InstanceRecord(const discovery::Instance& instance);

// The same of one that was picked, with the endpoint that was asked for.
Record PickRecord(const ResolveResult::Pick& pick);

Record ServiceRecord(const ServiceSummary& service);

// `Printer/laser`, in another cluster than the default `office:Printer/laser`.
std::string ShownName(const discovery::InstanceName& name);

// `cluster`, `service` and `id`, in JSON alone.
std::vector<Field> NameFields(const discovery::InstanceName& name);

// `reason`, `author`, `created_at`, `expires_at`: why an instance is out of work, whatever its owner says.
std::vector<Field> OverrideFields(const discovery::Override& override);

// Who may still send work after a drain, in JSON alone.
std::vector<Field> DrainFields(const DrainReport& report);
Record LaggardRecord(const DrainReport::Laggard& laggard);
// For people: a subscriber, or a server that has not answered.
std::string LaggardText(const DrainReport::Laggard& laggard);
// How far a drain has come, in words that go on after the instance's name.
std::string DrainText(const DrainReport& report);
// kDeadlineExceeded: not everybody who must has confirmed within `timeout`.
absl::Status DrainStatus(const DrainReport& report, absl::Duration timeout);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_INSTANCE_RECORDS_H_
