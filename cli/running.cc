#include "cli/running.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/flags.h"
#include "cli/guarded_command.h"
#include "cli/network_places.h"
#include "cli/property_arguments.h"
#include "cli/registered_command.h"
#include "client/session_options.h"
#include "discovery/instance.h"

namespace scoutlight::cli {
namespace {

constexpr int kPortMax = 65'535;

}  // namespace

Running::Running(CLI::App* app, Verb* chosen) {
  CLI::App* const verb = app->add_subcommand("run", "run a service's program, registered for as long as it runs");
  verb->add_option("--service", service_, "its name")->required()->type_name("NAME");
  verb->add_option("--port", port_, "where the program listens")->required()->check(RangeFault(1, kPortMax))->type_name("PORT");
  verb->add_option("--host", host_, "the host to register; default: this machine's address on the way to the server")->type_name("HOST");
  verb->add_option("--id", id_, "of the instance; default: one is drawn")->type_name("ID");
  verb->add_option("--property", properties_, "another property, such as zone=north; may be repeated")
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("NAME=VALUE");
  AddDuration(verb, "--wait", &wait_, "for the port to accept connections before it is registered; 0s: does not look [30s]");
  AddDuration(verb, "--ttl", &ttl_, "how long it stays registered when this program dies [10s]");
  verb->add_flag("--take-over", take_over_, "though another session owns the instance");
  AddDuration(verb, "--drain-timeout", &drain_.timeout, "for subscribers to confirm before SIGTERM is passed on [10s]");
  AddDuration(verb, "--grace", &grace_, "for the program to end after SIGTERM, where scoutctl ends it [10s]");
  verb->add_option("COMMAND", command_, "behind --: the program and its arguments")->required()->type_name("");
  SetExample(verb, "scoutctl run --service Printer --port 8001 --property protocol=http -- ./printer --listen :8001");
  verb->callback([this, chosen] { *chosen = [this](const Settings& settings, Printer* printer) { return Run(settings, printer); }; });
}

absl::StatusOr<std::string> Running::Host(const Settings& settings) const {
  if (!host_.empty()) return host_;
  absl::StatusOr<std::string> own = OwnAddressTowards(settings.endpoints.empty() ? "" : settings.endpoints.front());
  if (own.ok()) return own;
  return InvalidField(Reason::kInvalidField, "--host", absl::StrCat("is missing, and cannot be found: ", own.status().message()));
}

absl::StatusOr<Registration> Running::RegistrationAt(const std::string& host, const Settings& settings) const {
  absl::StatusOr<discovery::Properties> properties = ReadProperties("--property", properties_);
  if (!properties.ok()) return properties.status();
  for (const auto& [name, flag, value] : {std::tuple("hostname", "--host", host), std::tuple("port", "--port", absl::StrCat(port_))}) {
    if (!properties->emplace(name, value).second) {
      return InvalidField(Reason::kInvalidField, "--property", absl::StrCat("names the property \"", name, "\": say ", flag));
    }
  }
  // Before anything is run. An id that is drawn is right.
  const discovery::InstanceName name{settings.cluster, service_, id_.empty() ? "drawn" : id_};
  std::vector<FieldViolation> wrong = discovery::CheckInstance(name, *properties);
  if (!wrong.empty()) return InvalidFields(Reason::kInvalidField, std::move(wrong));
  return Registration{.cluster = settings.cluster, .service = service_, .id = id_, .properties = *std::move(properties)};
}

absl::Status Running::Run(const Settings& settings, Printer* printer) const {
  const absl::StatusOr<std::string> host = Host(settings);
  if (!host.ok()) return host.status();
  absl::StatusOr<Registration> registration = RegistrationAt(*host, settings);
  if (!registration.ok()) return registration.status();
  RegisteredCommandOptions options{.registration = *std::move(registration), .drain = drain_};
  options.if_owned = take_over_ ? IfOwned::kTakeOver : IfOwned::kRefuse;
  if (ttl_.has_value()) options.ttl = *ttl_;
  // Told before anything is run.
  if (absl::Status wrong = CheckOptions(SessionOptions{.ttl = options.ttl}); !wrong.ok()) return wrong;
  if (absl::Status wrong = CheckOptions(LeaveOptions{.drain = drain_}); !wrong.ok()) return wrong;
  if (wait_ > absl::ZeroDuration()) {
    const absl::StatusOr<PortProbe> probe = PortProbe::For(*host, port_);
    if (!probe.ok()) return probe.status();
    if (probe->Accepts()) {
      return absl::FailedPreconditionError(
          absl::StrCat("something listens on ", *host, " port ", port_, " already; --wait 0s does not look"));
    }
    options.port = {.probe = *probe, .wait = wait_};
  }
  absl::StatusOr<std::unique_ptr<GuardedCommand>> command = GuardedCommand::Prepare({.arguments = command_, .grace = grace_});
  if (!command.ok()) return command.status();
  // From here on there are threads.
  absl::StatusOr<Connection> connection = Connect(settings);
  if (!connection.ok()) return connection.status();
  if (absl::Status failed = (*command)->Start({}); !failed.ok()) return failed;
  return RegisteredCommand(*std::move(connection), std::move(options), command->get(), printer).Run();
}

}  // namespace scoutlight::cli
