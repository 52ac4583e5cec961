#include "cli/diagnosis.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "discovery/endpoint.h"

namespace scoutlight::cli {
namespace {

using discovery::Instance;
using discovery::InstanceName;

constexpr absl::string_view kDefaultCluster = "default";

// As a shell takes it for one word.
std::string Quoted(absl::string_view word) {
  const auto is_plain = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._-:/=", c); };
  if (!word.empty() && word.front() != '-' && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

// "scoutctl VERB WORDS" of that cluster.
std::string Command(absl::string_view verb, const std::string& cluster, const std::vector<std::string>& words) {
  std::string line = absl::StrCat("scoutctl ", verb);
  if (cluster != kDefaultCluster) absl::StrAppend(&line, " --cluster ", Quoted(cluster));
  const bool may_be_flag = std::any_of(words.begin(), words.end(), [](const std::string& word) { return absl::StartsWith(word, "-"); });
  if (may_be_flag) absl::StrAppend(&line, " --");
  for (const std::string& word : words) absl::StrAppend(&line, " ", Quoted(word));
  return line;
}

std::string SubjectOf(const std::string& cluster, const std::string& service) {
  return absl::StrCat(cluster == kDefaultCluster ? "" : absl::StrCat(cluster, ":"), service);
}
std::string SubjectOf(const InstanceName& name) { return absl::StrCat(SubjectOf(name.cluster, name.service), "/", name.id); }

std::string ProblemsText(const std::vector<discovery::Problem>& problems) {
  std::vector<std::string> texts;
  for (const discovery::Problem& problem : problems) {
    texts.push_back(problem.property.empty() ? problem.message : absl::StrCat(problem.property, " ", problem.message));
  }
  return absl::StrJoin(texts, "; ");
}

// Where an instance is reached by others: "host:port", each once.
std::set<std::string> AddressesOf(const Instance& instance) {
  std::set<std::string> addresses;
  for (const discovery::Endpoint& endpoint : discovery::ReadEndpoints(instance.properties).endpoints) {
    if (!endpoint.url.host.empty() && endpoint.url.port != 0) addresses.insert(absl::AsciiStrToLower(HostText(endpoint.url)));
  }
  return addresses;
}

}  // namespace

std::string SeverityText(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

void Diagnosis::Add(Finding finding) {
  ++counts_[static_cast<size_t>(finding.severity)];
  if (findings_.size() == static_cast<size_t>(kFindingsMax)) {
    // An error takes the place of what is less.
    const auto less =
        std::find_if(findings_.rbegin(), findings_.rend(), [](const Finding& one) { return one.severity != Severity::kError; });
    ++findings_left_out_;
    if (finding.severity != Severity::kError || less == findings_.rend()) return;
    findings_.erase(std::next(less).base());
  }
  findings_.push_back(std::move(finding));
}

std::vector<Finding> Diagnosis::Findings() const {
  std::vector<Finding> sorted = findings_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return sorted;
}

void Diagnosis::LookAtLimit(const std::string& what, int64_t count, int64_t count_max, const std::string& command) {
  const double share = count_max <= 0 ? 0 : static_cast<double>(count) / static_cast<double>(count_max);
  if (share < kShareWarning) return;
  Add({.severity = share < kShareError ? Severity::kWarning : Severity::kError,
       .kind = "limit",
       .subject = "server",
       .command = command,
       .meaning = absl::StrCat("it has ", count, " ", what, " of at most ", count_max, ": beyond, they are refused")});
}

void Diagnosis::LookAtServer(const ServerStatus& status, absl::Time now) {
  const std::string problems = absl::StrJoin(status.problems, "; ");
  // It is read-only after a fault of the disk, whatever the words.
  const bool is_disk = status.serving == ServingState::kReadOnly || absl::StrContains(problems, "disk");
  const std::string command = is_disk ? "df -h" : "scoutctl status";
  if (status.serving != ServingState::kServing) {
    Add({Severity::kError, "server_state", "server", command,
         absl::StrCat("it is ", ServingStateText(status.serving), problems.empty() ? "" : ": ", problems)});
  } else if (!problems.empty()) {
    Add({Severity::kError, "server_problem", "server", command, problems});
  }
  const absl::Duration ahead = status.started_at + status.uptime - now;
  if (absl::AbsDuration(ahead) > kClockDifferenceMax) {
    const std::string difference = absl::FormatDuration(absl::Trunc(absl::AbsDuration(ahead), absl::Seconds(1)));
    Add({Severity::kWarning, "clock", "server", "timedatectl",
         absl::StrCat("its calendar is ", difference, ahead > absl::ZeroDuration() ? " ahead of" : " behind",
                      " this machine's, or was set since it started: times that one shows are not those of the other")});
  }
  const auto limit = [&status](const std::string& name) {
    const auto found = status.limits.find(name);
    return found == status.limits.end() ? int64_t{0} : found->second;
  };
  LookAtLimit("leases", status.store.leases.value_or(0), status.store.leases_max, "scoutctl lease list");
  LookAtLimit("streams", status.streams.open, status.streams.open_max, "scoutctl status");
  LookAtLimit("watches", status.streams.watches, limit("watches_max"), "scoutctl status");
  LookAtLimit("drains that wait", status.discovery.drains, limit("drains_max"), "scoutctl status");
  LookAtLimit("states of resolvers", status.discovery.resolver_states, limit("resolver_states_max"), "scoutctl status -o json");
  if (status.streams.watches_behind > 0) {
    Add({Severity::kInfo, "watches_behind", "server", "scoutctl status",
         absl::StrCat(status.streams.watches_behind, " watches are so far behind that they are read from the store")});
  }
  for (const ServerStatus::Guarded& guarded : status.discovery.guarded) {
    Add({Severity::kWarning, "guarded_service", SubjectOf(guarded.name.cluster, guarded.name.service),
         Command("service get", guarded.name.cluster, {guarded.name.service}),
         absl::StrCat(guarded.held, " of its instances lost their owners at a time: they are shown as OWNER_LOST until they are back or ",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", guarded.held_until, absl::UTCTimeZone()))});
  }
}

void Diagnosis::LookAtService(const std::string& cluster, const ServiceSummary& service) {
  if (service.instances == 0 || service.resolvable > 0) return;
  Add({Severity::kError, "nobody_takes_work", SubjectOf(cluster, service.name), Command("service get", cluster, {service.name}),
       absl::StrCat("none of its ", service.instances, service.instances == 1 ? " instance" : " instances",
                    " takes work: who resolves it gets UNAVAILABLE")});
}

void Diagnosis::LookAtInstance(const Instance& instance) {
  const InstanceName& name = instance.name;
  if (!instance.problems.empty()) {
    const std::string& property = instance.problems.front().property;
    Add({.severity = instance.valid ? Severity::kWarning : Severity::kError,
         .kind = "rejected_instance",
         .subject = SubjectOf(name),
         .command = property.empty() ? Command("service get", name.cluster, {name.service, name.id})
                                     : Command("service update", name.cluster, {name.service, name.id, absl::StrCat(property, "=VALUE")}),
         .meaning = absl::StrCat(instance.valid ? "its schema has something against it: " : "its schema rejects it, it takes no work: ",
                                 ProblemsText(instance.problems))});
  }
  if (instance.epoch == 0) {
    Add({Severity::kWarning, "without_owner", SubjectOf(name), Command("service deregister", name.cluster, {name.service, name.id}),
         "its entries were written by hand: nobody owns them, and they stay when it is gone; register it, or remove it"});
  }
  if (instance.health == discovery::Health::kCritical) {
    Add({Severity::kWarning, "critical_health", SubjectOf(name), Command("service get", name.cluster, {name.service, name.id}),
         "it says that its health is critical, and takes no work"});
  }
  if (instance.status != discovery::Status::kOwnerLost) LookAtAddresses(instance);
}

void Diagnosis::LookAtAddresses(const Instance& instance) {
  for (const std::string& address : AddressesOf(instance)) {
    const auto there = addresses_.find(address);
    if (there != addresses_.end()) {
      Registered& newer = there->second;
      Registered older{instance.name, instance.epoch};
      if (older.epoch > newer.epoch) std::swap(older, newer);
      AddDuplicate(address, older.name, newer.name);
    } else if (addresses_.size() < static_cast<size_t>(kAddressesMax)) {
      addresses_.emplace(address, Registered{instance.name, instance.epoch});
    } else {
      ++addresses_left_out_;
    }
  }
}

void Diagnosis::AddDuplicate(const std::string& address, const InstanceName& older, const InstanceName& newer) {
  const bool is_same_service = older.cluster == newer.cluster && older.service == newer.service;
  Add({.severity = is_same_service ? Severity::kError : Severity::kInfo,
       .kind = "duplicate_address",
       .subject = SubjectOf(older),
       .command = Command(is_same_service ? "service deregister" : "service get", older.cluster, {older.service, older.id}),
       .meaning = absl::StrCat(
           "is at ", address, ", as ", SubjectOf(newer), " is, which has come later: ",
           is_same_service ? "this one is probably not there any more" : "one program may be both, else one of them is wrong")});
}

void Diagnosis::LookAtSubscribers(const std::vector<Subscriber>& first, const std::vector<Subscriber>& later, absl::Duration between) {
  absl::flat_hash_map<std::string, int64_t> due;  // What had been sent to each then.
  for (const Subscriber& subscriber : first) due[subscriber.id] = subscriber.sent;
  for (const Subscriber& subscriber : later) {
    const auto then = due.find(subscriber.id);
    // A stream that has begun anew since counts anew.
    if (then == due.end() || subscriber.gone || subscriber.sent < then->second || subscriber.confirmed >= then->second) continue;
    const std::string address(absl::StripPrefix(absl::StripPrefix(subscriber.peer, "ipv4:"), "ipv6:"));
    Add({Severity::kWarning, "lagging_subscriber", absl::StrCat("subscriber ", subscriber.id),
         absl::StrCat("ss -tnp src ", Quoted(address)),
         absl::StrCat("the program at ", address, " has confirmed ", subscriber.confirmed, " of ", then->second, " messages that it had ",
                      absl::FormatDuration(between), " ago: it may work with what is not so any more, and drains wait for it")});
  }
}

}  // namespace scoutlight::cli
