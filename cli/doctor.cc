#include "cli/doctor.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "client/admin.h"

namespace scoutlight::cli {
namespace {

// How long who confirms has for it.
constexpr absl::Duration kConfirmedWithin = absl::Seconds(1);
constexpr int kInstancesMax = 1'000'000;

Colour ColourOf(Severity severity) {
  if (severity == Severity::kError) return Colour::kRed;
  return severity == Severity::kWarning ? Colour::kYellow : Colour::kDim;
}

std::string CountText(int64_t count, absl::string_view what) { return absl::StrCat(count, " ", what, count == 1 ? "" : "s"); }

Record FindingRecord(const Finding& finding) {
  return {.name = finding.subject,
          .fields = {{"severity", SeverityText(finding.severity), Field::Where::kAlways, std::nullopt, ColourOf(finding.severity)},
                     {"kind", finding.kind},
                     {"subject", finding.subject},
                     {"command", finding.command},
                     {"meaning", finding.meaning}}};
}

}  // namespace

Doctor::Doctor(CLI::App* app, Verb* chosen) {
  CLI::App* const doctor = app->add_subcommand("doctor", "look for what is wrong, and say what to do; with errors found: exit code 1");
  doctor->add_option("--instances-max", instances_max_, "how many instances are looked at [10000]")
      ->check(RangeFault(1, kInstancesMax))
      ->type_name("COUNT");
  SetExample(doctor, "scoutctl doctor");
  ChooseOnServer(doctor, this, &Doctor::Examine, chosen);
}

absl::Status Doctor::Examine(const Call& call) const {
  const absl::StatusOr<ServerStatus> status = Admin(call.connection).Status();
  if (!status.ok()) return status.status();
  Diagnosis diagnosis;
  diagnosis.LookAtServer(*status, Clock::System().Now());
  Seen seen;
  // Else the server has said why nobody can look at them.
  if (status->discovery.ready && status->serving != ServingState::kDraining) {
    const absl::StatusOr<Seen> looked = LookAtServices(call, &diagnosis);
    if (!looked.ok()) return looked.status();
    seen = *looked;
    if (absl::Status failed = LookAtSubscribers(call, &diagnosis); !failed.ok()) return failed;
  }
  std::vector<Record> records;
  for (const Finding& finding : diagnosis.Findings()) records.push_back(FindingRecord(finding));
  const int64_t errors = diagnosis.count(Severity::kError);
  const int64_t warnings = diagnosis.count(Severity::kWarning);
  // A table of nothing would be told as if something were missing.
  if (!records.empty() || call.settings.form == OutputForm::kJson) {
    call.printer.List("findings", records,
                      {{"errors", errors},
                       {"warnings", warnings},
                       {"infos", diagnosis.count(Severity::kInfo)},
                       {"findings_left_out", diagnosis.findings_left_out()},
                       {"services", seen.services},
                       {"instances", seen.instances},
                       {"instances_left_out", seen.instances_left_out},
                       {"addresses_left_out", diagnosis.addresses_left_out()}});
  }
  call.printer.Note(absl::StrCat("looked at the server and ", CountText(seen.instances, "instance"), " of ",
                                 CountText(seen.services, "service"), ": ", CountText(errors, "error"), ", ",
                                 CountText(warnings, "warning")));
  if (seen.instances_left_out > 0) {
    call.printer.Note(
        absl::StrCat("did not look at ", CountText(seen.instances_left_out, "instance"), ": --instances-max is ", instances_max_));
  }
  if (diagnosis.findings_left_out() > 0) {
    call.printer.Note(absl::StrCat("and ", CountText(diagnosis.findings_left_out(), "finding"), " more"));
  }
  if (errors == 0) return absl::OkStatus();
  return WithExitCode(absl::FailedPreconditionError(absl::StrCat("found ", CountText(errors, "error"))), ExitCode::kOther);
}

absl::StatusOr<Doctor::Seen> Doctor::LookAtServices(const Call& call, Diagnosis* diagnosis) const {
  const Discovery discovery(call.connection);
  const absl::StatusOr<ListClustersResult> clusters = discovery.ListClusters();
  if (!clusters.ok()) return clusters.status();
  Seen seen;
  for (const std::string& cluster : clusters->clusters) {
    const absl::StatusOr<ListServicesResult> services = discovery.ListServices(cluster);
    if (!services.ok()) return services.status();
    for (const ServiceSummary& service : services->services) {
      ++seen.services;
      diagnosis->LookAtService(cluster, service);
      if (absl::Status failed = LookAtInstances(discovery, {cluster, service.name}, service.instances, diagnosis, &seen); !failed.ok()) {
        return failed;
      }
    }
  }
  return seen;
}

absl::Status Doctor::LookAtInstances(const Discovery& discovery, const discovery::ServiceName& name, int expected, Diagnosis* diagnosis,
                                     Seen* seen) const {
  const int64_t left = instances_max_ - seen->instances;
  if (left < std::max(expected, 1)) {
    seen->instances_left_out += expected;
    return absl::OkStatus();
  }
  const absl::StatusOr<ListInstancesResult> list = discovery.ListInstances(name, {.instances_max = static_cast<int>(left)});
  // It has grown since.
  if (ReasonOf(list.status()) == Reason::kListTooLarge) {
    seen->instances_left_out += expected;
    return absl::OkStatus();
  }
  if (!list.ok()) return list.status();
  for (const discovery::Instance& instance : list->instances) diagnosis->LookAtInstance(instance);
  seen->instances += static_cast<int64_t>(list->instances.size());
  return absl::OkStatus();
}

absl::Status Doctor::LookAtSubscribers(const Call& call, Diagnosis* diagnosis) const {
  const Discovery discovery(call.connection);
  const absl::StatusOr<ListSubscribersResult> first = discovery.ListSubscribers();
  if (!first.ok()) return first.status();
  const auto is_behind = [](const Subscriber& subscriber) { return !subscriber.gone && subscriber.confirmed < subscriber.sent; };
  if (std::none_of(first->subscribers.begin(), first->subscribers.end(), is_behind)) return absl::OkStatus();
  // What is on its way is not late.
  absl::SleepFor(kConfirmedWithin);
  const absl::StatusOr<ListSubscribersResult> later = discovery.ListSubscribers();
  if (!later.ok()) return later.status();
  diagnosis->LookAtSubscribers(first->subscribers, later->subscribers, kConfirmedWithin);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
