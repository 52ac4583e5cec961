#include "cli/service_registering.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/instance_records.h"
#include "cli/kept_registration.h"
#include "cli/property_arguments.h"
#include "client/discovery.h"

namespace scoutlight::cli {
namespace {

using discovery::InstanceName;

std::string Counted(int count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
}

// "2 watches, 1 caller of Resolve within the last minute"; empty: nobody.
std::string UnconfirmedText(const DrainReport& report) {
  std::vector<std::string> texts;
  if (report.unconfirmable_watches > 0) texts.push_back(Counted(report.unconfirmable_watches, "watch", "watches"));
  if (report.recent_resolvers > 0) {
    texts.push_back(absl::StrCat(Counted(report.recent_resolvers, "caller", "callers"), " of Resolve within the last minute"));
  }
  return absl::StrJoin(texts, ", ");
}

void ShowDrained(const InstanceName& name, const DrainResult& result, Printer* printer) {
  Record record{.name = name.id, .fields = NameFields(name)};
  Append(DrainFields(result.report), &record);
  Append(StateFields(result.state), &record);
  const std::string unconfirmed = UnconfirmedText(result.report);
  printer->Done(absl::StrCat(ShownName(name), " ", DrainText(result.report)), record);
  for (const DrainReport::Laggard& laggard : result.report.laggards) {
    printer->Note(absl::StrCat("  ", LaggardText(laggard)));
  }
  if (result.report.laggards_omitted > 0) printer->Note(absl::StrCat("  and ", result.report.laggards_omitted, " more"));
  if (!unconfirmed.empty()) printer->Note(absl::StrCat("may still send it work: ", unconfirmed));
}

}  // namespace

ServiceRegistering::ServiceRegistering(CLI::App* service, Verb* chosen) {
  DeclareRegister(service, chosen);

  CLI::App* const deregister = service->add_subcommand("deregister", "remove an instance");
  deregister->add_option("SERVICE", service_, "its name")->required()->type_name("");
  deregister->add_option("ID", id_, "of the instance")->required()->type_name("");
  SetExample(deregister, "scoutctl service deregister Printer laser");
  ChooseOnServer(deregister, this, &ServiceRegistering::Deregister, chosen);

  CLI::App* const drain = service->add_subcommand("drain", "take an instance out of work, and wait until nobody sends it any");
  drain->add_option("SERVICE", service_, "its name")->required()->type_name("");
  drain->add_option("ID", id_, "of the instance")->required()->type_name("");
  AddDuration(drain, "--drain-timeout", &drain_.timeout, "for subscribers to confirm; if some have not: exit code 5 [30s]");
  AddDuration(drain, "--linger", &drain_.linger, "so much longer for those who confirm nothing [0s]");
  SetExample(drain, "scoutctl service drain Printer laser --drain-timeout 10s");
  ChooseOnServer(drain, this, &ServiceRegistering::Drain, chosen);
}

void ServiceRegistering::DeclareRegister(CLI::App* service, Verb* chosen) {
  CLI::App* const verb = service->add_subcommand("register", "register an instance, once or for as long as this runs");
  verb->add_option("SERVICE", service_, "its name")->required()->type_name("");
  verb->add_option("NAME=VALUE", properties_, "properties, such as hostname=10.0.0.5 port=8001")->type_name("");
  verb->add_option("--id", id_, "of the instance; default: one is drawn")->type_name("ID");
  AddDuration(verb, "--ttl", &ttl_, "it goes when it is not registered again for so long, or with --keep when this program dies");
  verb->add_flag("--permanent", permanent_, "it stays until it is deregistered");
  verb->add_flag("--keep", keep_, "keep it registered until Ctrl-C, then drain and deregister it");
  verb->add_flag("--take-over", take_over_, "though another session owns it");
  AddDuration(verb, "--drain-timeout", &drain_.timeout,
              "with --keep: for subscribers to confirm at the end; if some have not: exit code 5 [30s]");
  SetExample(verb, "scoutctl service register Printer --id laser hostname=192.168.1.101 port=8001 protocol=https --permanent");
  ChooseOnServer(verb, this, &ServiceRegistering::Register, chosen);
}

absl::StatusOr<Registration> ServiceRegistering::RegistrationFor(const Call& call) const {
  absl::StatusOr<discovery::Properties> properties = ReadProperties("NAME=VALUE", properties_);
  if (!properties.ok()) return properties.status();
  return Registration{.cluster = call.settings.cluster, .service = service_, .id = id_, .properties = *std::move(properties)};
}

absl::StatusOr<Lifetime> ServiceRegistering::LifetimeAskedFor() const {
  if (permanent_ && (ttl_.has_value() || keep_)) {
    return InvalidField(Reason::kInvalidField, "--permanent", "excludes --ttl and --keep");
  }
  if (permanent_) return Permanent();
  if (ttl_.has_value()) return *ttl_;
  return InvalidField(Reason::kInvalidField, "--ttl", "is missing: say --ttl DURATION, --permanent, or --keep");
}

absl::Status ServiceRegistering::Register(const Call& call) const {
  absl::StatusOr<Registration> registration = RegistrationFor(call);
  if (!registration.ok()) return registration.status();
  const IfOwned if_owned = take_over_ ? IfOwned::kTakeOver : IfOwned::kRefuse;
  if (keep_ && !permanent_) return KeepRegistered(call, *std::move(registration), {.ttl = ttl_, .if_owned = if_owned, .drain = drain_});
  const absl::StatusOr<Lifetime> lifetime = LifetimeAskedFor();
  if (!lifetime.ok()) return lifetime.status();
  const absl::StatusOr<RegisterResult> result =
      Registrations(call.connection).Register(*std::move(registration), *lifetime, {.if_owned = if_owned});
  if (!result.ok()) return result.status();
  Record record = InstanceRecord(result->instance);
  record.fields.push_back({"unchanged", result->unchanged, Field::Where::kJson});
  Append(StateFields(result->state), &record);
  const std::string name = ShownName(result->instance.name);
  call.printer.Done(result->unchanged ? absl::StrCat(name, " was registered just so already")
                                      : absl::StrCat("registered ", name, " at revision ", result->state.revision),
                    record);
  if (!result->instance.resolvable()) call.printer.Note("it takes no work; scoutctl service get shows why");
  return absl::OkStatus();
}

absl::Status ServiceRegistering::Deregister(const Call& call) const {
  const InstanceName name{call.settings.cluster, service_, id_};
  const absl::StatusOr<DeregisterResult> result = Registrations(call.connection).Deregister(name);
  if (!result.ok()) return result.status();
  Record record{.name = id_, .fields = NameFields(name)};
  record.fields.push_back({"found", result->found, Field::Where::kJson});
  Append(StateFields(result->state), &record);
  call.printer.Done(result->found ? absl::StrCat("deregistered ", ShownName(name), " at revision ", result->state.revision)
                                  : absl::StrCat(ShownName(name), " was not registered"),
                    record);
  return absl::OkStatus();
}

absl::Status ServiceRegistering::Drain(const Call& call) const {
  const InstanceName name{call.settings.cluster, service_, id_};
  // Says within --timeout that there is no server: a drain takes as long as subscribers have.
  const absl::StatusOr<ListClustersResult> reached = Discovery(call.connection).ListClusters();
  if (!reached.ok()) return reached.status();
  const absl::StatusOr<DrainResult> result = Registrations(call.connection).Drain(name, drain_);
  if (!result.ok()) return result.status();
  ShowDrained(name, *result, &call.printer);
  return DrainStatus(result->report, drain_.timeout);
}

}  // namespace scoutlight::cli
