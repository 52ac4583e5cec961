#include "client/machine.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/gates/machine_core.h"
#include "client/gates/nng_socket.h"
#include "discovery/names.h"
#include "discovery/url.h"

namespace scoutlight {
namespace {

absl::Status Check(const MachineOptions& options) {
  std::vector<FieldViolation> wrong;
  if (!options.service.empty()) {
    const std::string fault = discovery::ServiceFault(options.service);
    if (!fault.empty()) wrong.push_back({"service", fault});
  } else if (options.topology != nullptr) {
    wrong.push_back({"service", "is empty, the topology is asked for the links of one"});
  } else if (options.session != nullptr && options.registration.service.empty()) {
    wrong.push_back({"registration.service", "is empty, and so is service"});
  }
  if (options.governor == nullptr) wrong.push_back({"governor", "is missing"});
  if (!options.registry.empty()) {
    const absl::StatusOr<discovery::Url> url = discovery::ParseUrl(absl::StrCat("tcp://", options.registry));
    if (!url.ok() || url->port == 0 || !url->rest.empty()) wrong.push_back({"registry", "is no host:port"});
  }
  if (options.topology_timeout < absl::ZeroDuration() || options.topology_timeout > absl::Minutes(10)) {
    wrong.push_back({"topology_timeout", absl::StrCat("is ", absl::FormatDuration(options.topology_timeout), ", 0 to 10m are allowed")});
  }
  if (wrong.empty()) return absl::OkStatus();
  return InvalidFields(Reason::kInvalidField, std::move(wrong));
}

template <typename G>
absl::StatusOr<G> Open(client::MachineCore* core, GateOptions options, GateKind kind) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  absl::StatusOr<std::shared_ptr<client::GateCore>> gate = core->MakeGate(std::move(options), kind);
  if (!gate.ok()) return gate.status();
  return G(*std::move(gate));
}

}  // namespace

absl::StatusOr<Machine> Machine::Open(MachineOptions options) {
  if (absl::Status wrong = Check(options); !wrong.ok()) return wrong;
  if (options.socket == nullptr) options.socket = client::NngSockets();
  auto core = std::make_shared<client::MachineCore>(std::move(options));
  if (absl::Status failed = core->Open(); !failed.ok()) return failed;
  return Machine(std::move(core));
}

Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;
Machine::~Machine() = default;

absl::StatusOr<scoutlight::OutGate> Machine::OutGate(absl::string_view queue) { return OutGate(GateOptions{.queue = std::string(queue)}); }
absl::StatusOr<scoutlight::OutGate> Machine::OutGate(GateOptions options) {
  return scoutlight::Open<scoutlight::OutGate>(core_.get(), std::move(options), GateKind::kOut);
}
absl::StatusOr<scoutlight::InGate> Machine::InGate(absl::string_view queue) { return InGate(GateOptions{.queue = std::string(queue)}); }
absl::StatusOr<scoutlight::InGate> Machine::InGate(GateOptions options) {
  return scoutlight::Open<scoutlight::InGate>(core_.get(), std::move(options), GateKind::kIn);
}
absl::StatusOr<scoutlight::InOutGate> Machine::InOutGate(absl::string_view queue) {
  return InOutGate(GateOptions{.queue = std::string(queue)});
}
absl::StatusOr<scoutlight::InOutGate> Machine::InOutGate(GateOptions options) {
  return scoutlight::Open<scoutlight::InOutGate>(core_.get(), std::move(options), GateKind::kInOut);
}

}  // namespace scoutlight
