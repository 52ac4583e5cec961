#include "client/gates/machine_core.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/shown.h"
#include "client/events/run_and_wait.h"

namespace scoutlight::client {
namespace {

uint64_t Draw() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

Registration RegistrationOf(const MachineOptions& options) {
  Registration registration = options.registration;
  if (registration.service.empty()) registration.service = options.service;
  return registration;
}

}  // namespace

MachineCore::MachineCore(MachineOptions options)
    : options_(std::move(options)), random_(Draw()), record_(options_.session, RegistrationOf(options_)) {}

MachineCore::~MachineCore() { watch_ = nullptr; }

absl::Status MachineCore::Open() {
  if (!options_.registry.empty()) reached_ = AddressTowards(options_.registry, kLookUpMax);
  if (options_.topology != nullptr) {
    absl::StatusOr<std::unique_ptr<TopologySourceWatch>> watch =
        options_.topology->Watch([weak = weak_from_this(), loop = loop_](absl::StatusOr<TopologyPtr> topology) {
          loop->Post([weak, topology = std::move(topology)]() mutable {
            if (const std::shared_ptr<MachineCore> machine = weak.lock(); machine != nullptr) machine->OnTopology(std::move(topology));
          });
        });
    if (!watch.ok()) return watch.status();
    watch_ = *std::move(watch);
    const absl::Duration end = loop_->Now() + options_.topology_timeout;
    MutexLock lock(&mu_);
    while (!known_) {
      const absl::Duration left = end - loop_->Now();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(absl::StrCat("the topology was not known within ",
                                                        absl::FormatDuration(options_.topology_timeout), problem_.ok() ? "" : ": ",
                                                        problem_.message()));
      }
      changed_.WaitFor(&mu_, left);
    }
  }
  absl::Status opened;
  RunAndWait(loop_.get(), [this, &opened] {
    if (topology_ != nullptr && !topology_->services.contains(options_.service)) {
      // Asked for a queue of it, for the list of those that there are.
      opened = FindLink(*topology_, options_.service, "", GateKind::kOut).status();
    }
    if (opened.ok()) opened = record_.Register();
    if (opened.ok()) SetTick();
  });
  return opened;
}

void MachineCore::OnTopology(absl::StatusOr<TopologyPtr> topology) {
  if (!topology.ok()) {
    {
      MutexLock lock(&mu_);
      problem_ = topology.status();
    }
    return Tell(topology.status());
  }
  topology_ = *std::move(topology);
  for (const std::unique_ptr<Linked>& linked : linked_) {
    if (linked->follows) Follow(linked.get());
  }
  MutexLock lock(&mu_);
  known_ = true;
  changed_.NotifyAll();
}

absl::StatusOr<std::shared_ptr<GateCore>> MachineCore::MakeGate(GateOptions options, GateKind kind) {
  absl::StatusOr<std::shared_ptr<GateCore>> made = absl::UnknownError("");
  RunAndWait(loop_.get(), [&] {
    auto linked = std::make_unique<Linked>();
    linked->kind = kind;
    linked->follows = !SaysLink(options);
    absl::StatusOr<GateLink> link;
    if (!linked->follows) {
      link = LinkOf(options, kind);
    } else if (topology_ != nullptr) {
      link = FindLink(*topology_, options_.service, options.queue, kind);
    } else {
      link = InvalidField(Reason::kInvalidField, "service", "is missing, as are endpoints and addresses, and the machine has no topology");
    }
    if (!link.ok()) {
      made = link.status();
      return;
    }
    options.type = link->type;
    options.delivery = link->delivery;
    GateCore::Parts parts = {
        .loop = loop_, .make_socket = options_.socket, .make_governor = options_.governor, .sender = random_ + ++gates_made_};
    linked->gate = std::make_shared<GateCore>(std::move(options), std::move(parts));
    linked->gate->SetOnClose(
        [machine = shared_from_this(), gate = linked->gate.get()] { RunAndWait(machine->loop_.get(), [&] { machine->Forget(gate); }); });
    linked_.push_back(std::move(linked));
    const std::shared_ptr<GateCore> gate = linked_.back()->gate;
    if (absl::Status failed = Link(linked_.back().get(), *link); failed.ok()) {
      made = gate;
    } else {
      gate->Close(absl::ZeroDuration());
      made = failed;
    }
  });
  return made;
}

void MachineCore::Follow(Linked* linked) {
  const absl::StatusOr<GateLink> link = FindLink(*topology_, options_.service, linked->gate->options().queue, linked->kind);
  if (!link.ok()) return Unlink(linked, link.status());
  if (link->type != linked->link.type || link->delivery != linked->link.delivery) {
    return Unlink(linked, absl::FailedPreconditionError(absl::StrCat(
                              "queue ", Shown(linked->gate->options().queue), " is of type ", topology::LinkTypeText(link->type), ", ",
                              topology::DeliveryText(link->delivery), " now; the gate must be opened anew")));
  }
  if (linked->is_linked && *link == linked->link) return;
  if (absl::Status failed = Link(linked, *link); !failed.ok()) Tell(failed);
}

absl::Status MachineCore::Link(Linked* linked, const GateLink& link) {
  // Which side dials may have changed.
  if (link.service.empty()) linked->watch = nullptr;
  absl::Status failed;
  if (!link.addresses.empty()) {
    failed = Bind(linked, link);
  } else {
    failed.Update(linked->gate->Bind({}, IfTaken::kFail));
    failed.Update(record_.SetGate(linked->gate->options().queue, std::string()));
  }
  if (!link.endpoints.empty() || link.service.empty()) {
    std::vector<GateEndpoint> endpoints;
    for (const std::string& url : link.endpoints) endpoints.push_back({.url = url});
    linked->gate->SetWanted(std::move(endpoints));
  } else if (options_.resolver == nullptr) {
    failed.Update(InvalidField(Reason::kInvalidField, "resolver", "is missing in the machine's options, and the gate dials a service"));
  } else {
    // The one before tells nothing any more, lest that come after what the new one tells.
    linked->watch = nullptr;
    absl::StatusOr<std::unique_ptr<EndpointWatch>> watch =
        options_.resolver->Watch(link.service, link.to_queue, [weak = linked->gate->weak_from_this()](std::vector<GateEndpoint> endpoints) {
          if (const std::shared_ptr<GateCore> gate = weak.lock(); gate != nullptr) gate->SetWanted(std::move(endpoints));
        });
    failed.Update(watch.status());
    if (watch.ok()) linked->watch = *std::move(watch);
  }
  linked->link = link;
  linked->is_linked = failed.ok();
  linked->gate->SetProblem(failed);
  return failed;
}

absl::Status MachineCore::Bind(Linked* linked, const GateLink& link) {
  GateCore& gate = *linked->gate;
  const std::string& queue = gate.options().queue;
  for (const std::unique_ptr<Linked>& other : linked_) {
    // One without a name is known to nobody.
    if (queue.empty()) break;
    if (other.get() == linked || other->link.addresses.empty() || other->gate->options().queue != queue) continue;
    return absl::AlreadyExistsError(absl::StrCat("queue ", Shown(queue), " has a gate already that binds"));
  }
  absl::Status failed = gate.Bind(link.addresses, link.port_is_fixed ? IfTaken::kFail : IfTaken::kTakeAnother);
  // What others are to dial is one of them: over the network, if there is one.
  std::string told;
  const std::vector<std::string> urls = gate.urls();
  for (const std::string& bound : urls) {
    const std::string url = AdvertisedUrl(bound, link.advertise, reached_);
    if (told.empty() || (url.rfind("tcp://", 0) == 0 && told.rfind("tcp://", 0) != 0)) told = url;
  }
  if (queue.empty() || options_.session == nullptr) return failed;
  if (told.empty() && !urls.empty()) {
    failed.Update(absl::FailedPreconditionError(
        absl::StrCat("queue ", Shown(queue), " is bound at all addresses of this machine, and none is known that others can dial: ",
                     options_.registry.empty()
                         ? "neither `advertise` nor `registry` of the machine's options is given"
                         : absl::StrCat("that towards the registry, ", Shown(options_.registry), ", was not found within ",
                                        absl::FormatDuration(kLookUpMax), " when the machine was opened, and `advertise` is not given"))));
  }
  // That which is bound no more is told to nobody, even if what replaces it is not bound yet.
  failed.Update(record_.SetGate(queue, told));
  return failed;
}

void MachineCore::Unlink(Linked* linked, absl::Status problem) {
  linked->watch = nullptr;
  linked->gate->SetWanted({});
  absl::Status unlinked = linked->gate->Bind({}, IfTaken::kFail);
  unlinked.Update(record_.SetGate(linked->gate->options().queue, std::string()));
  if (!unlinked.ok()) Tell(unlinked);
  const bool is_new = std::exchange(linked->is_linked, false);
  if (is_new) Tell(problem);
  linked->gate->SetProblem(std::move(problem));
}

void MachineCore::Forget(const GateCore* gate) {
  const auto found = std::find_if(linked_.begin(), linked_.end(), [gate](const auto& linked) { return linked->gate.get() == gate; });
  if (found == linked_.end()) return;
  const std::unique_ptr<Linked> forgotten = std::move(*found);
  linked_.erase(found);
  forgotten->watch = nullptr;
  if (forgotten->link.addresses.empty()) return;
  if (absl::Status failed = record_.SetGate(gate->options().queue, std::string()); !failed.ok()) Tell(failed);
}

void MachineCore::SetTick() {
  loop_->PostAfter(kTick, [weak = weak_from_this()] {
    const std::shared_ptr<MachineCore> machine = weak.lock();
    if (machine == nullptr) return;
    machine->Tick();
    machine->SetTick();
  });
}

void MachineCore::Tick() {
  for (const std::unique_ptr<Linked>& linked : linked_) {
    if (linked->follows && !linked->is_linked) Follow(linked.get());
  }
  if (options_.session == nullptr) return;
  absl::btree_map<std::string, GateCounters> counters;
  for (const std::unique_ptr<Linked>& linked : linked_) {
    if (linked->gate->options().queue.empty()) continue;
    // A relay may receive and send by queues of the same name.
    GateCounters& sum = counters[linked->gate->options().queue];
    const GateCounters now = linked->gate->Count();
    sum.sent += now.sent;
    sum.received += now.received;
    sum.waiting += now.waiting;
    sum.unconfirmed += now.unconfirmed;
  }
  discovery::SoftValues soft = options_.soft_values ? options_.soft_values() : discovery::SoftValues();
  if (absl::Status failed = record_.Publish(std::move(soft), counters); !failed.ok()) Tell(failed);
}

void MachineCore::Tell(const absl::Status& problem) {
  if (options_.on_problem) options_.on_problem(problem);
}

}  // namespace scoutlight::client
