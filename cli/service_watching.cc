#include "cli/service_watching.h"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "cli/flags.h"
#include "cli/instance_records.h"
#include "cli/until_stopped.h"
#include "cli/watch_loop.h"
#include "client/change_watch.h"
#include "client/discovery.h"
#include "client/locator.h"
#include "discovery/filter/filter.h"

namespace scoutlight::cli {
namespace {

using discovery::Filter;
using discovery::Instance;

// Shows what a filter chooses of the changes of one service, on the thread for callbacks.
class WatchedInstances {
 public:
  WatchedInstances(Filter filter, Printer* printer) : filter_(std::move(filter)), printer_(*printer) {}

  void Show(const ServiceChange& change) {
    std::vector<Record> events;
    for (const discovery::InstancePtr& instance : change.changed) AddChanged(*instance, &events);
    for (const discovery::InstancePtr& instance : change.removed) AddGone(*instance, &events);
    printer_.Events(events);
    if (std::exchange(begun_, true)) return;
    const Json revision = change.snapshot == nullptr ? Json() : Json(change.snapshot->revision());
    printer_.Event({.name = "", .fields = {{"type", "snapshot_end", Field::Where::kJson}, {"revision", revision, Field::Where::kJson}}});
    if (shown_.empty()) printer_.Note("no instance yet");
  }

 private:
  void AddChanged(const Instance& instance, std::vector<Record>* events) {
    // The time is looked at by filters with an age alone, and those are refused.
    if (!filter_.Matches(instance, absl::InfinitePast())) return AddGone(instance, events);
    const bool is_new = shown_.insert(instance.name.id).second;
    if (!begun_) return AddEvent("snapshot", Colour::kDim, instance, events);
    AddEvent(is_new ? "added" : "changed", is_new ? Colour::kGreen : Colour::kYellow, instance, events);
  }

  void AddGone(const Instance& instance, std::vector<Record>* events) {
    if (shown_.erase(instance.name.id) > 0) AddEvent("removed", Colour::kRed, instance, events);
  }

  static void AddEvent(const std::string& type, Colour colour, const Instance& instance, std::vector<Record>* events) {
    Record record = InstanceRecord(instance);
    record.fields.insert(record.fields.begin(), {"type", type, Field::Where::kAlways, std::nullopt, colour});
    events->push_back(std::move(record));
  }

  const Filter filter_;
  Printer& printer_;
  bool begun_ = false;
  std::set<std::string> shown_;  // Ids that the filter chose when they were last shown: as many as the service has instances at most.
};

// The newest problem of a locator. Thread-safe.
class NewestProblem {
 public:
  void Set(absl::Status problem) {
    const MutexLock lock(&mu_);
    problem_ = std::move(problem);
  }
  absl::Status Get() const {
    const MutexLock lock(&mu_);
    return problem_;
  }

 private:
  mutable Mutex mu_;
  absl::Status problem_ ABSL_GUARDED_BY(mu_);
};

// How often the server says that nothing has changed ...
constexpr absl::Duration kHeartbeat = absl::Seconds(2);
// ... and without its word for how long it is waited for.
constexpr absl::Duration kSilenceMax = absl::Seconds(6);

}  // namespace

ServiceWatching::ServiceWatching(CLI::App* service, Verb* chosen) {
  CLI::App* const watch = service->add_subcommand("watch", "show the instances of a service and what changes, until Ctrl-C");
  watch->add_option("SERVICE", service_, "its name")->required()->type_name("");
  watch->add_option("--filter", filter_, "those alone that it chooses, such as 'zone == \"north\"'")->type_name("FILTER");
  SetExample(watch, "scoutctl service watch Printer");
  ChooseOnServer(watch, this, &ServiceWatching::Watch, chosen);
}

absl::Status ServiceWatching::Watch(const Call& call) const {
  const absl::StatusOr<std::unique_ptr<UntilStopped>> made = UntilStopped::Create();
  if (!made.ok()) return made.status();
  UntilStopped& until = **made;
  absl::StatusOr<Filter> filter = Filter::Parse(filter_, discovery::AgeTerms::kRefused);
  if (!filter.ok()) return filter.status();
  // Says what is wrong, where a locator only goes on trying.
  const absl::StatusOr<ListClustersResult> reached = Discovery(call.connection).ListClusters();
  if (!reached.ok()) return reached.status();

  NewestProblem problem;
  std::atomic<bool> begun = false;
  WatchedInstances shown(*std::move(filter), &call.printer);
  absl::StatusOr<Locator> locator = Locator::Open(call.connection, {.cluster = call.settings.cluster,
                                                                    .heartbeat = kHeartbeat,
                                                                    .replaced_store_grace = absl::ZeroDuration(),
                                                                    .on_problem = [&](const absl::Status& told) { problem.Set(told); }});
  if (!locator.ok()) return locator.status();
  const absl::StatusOr<ChangeWatch> watch = locator->OnChange(service_, [&](const ServiceChange& change) {
    begun.store(true, std::memory_order_relaxed);
    shown.Show(change);
    if (absl::Status unread = call.printer.status(); !unread.ok()) until.End(unread);
  });
  if (!watch.ok()) return watch.status();
  const auto trouble = [&]() -> absl::Status {
    if (locator->AgeOf(service_) <= kSilenceMax) return absl::OkStatus();
    const absl::Status told = problem.Get();
    return told.ok() ? absl::UnavailableError("it has not been heard of for some seconds") : told;
  };
  return RunWatch(&until, begun, call.settings.timeout, trouble, &call.printer);
}

}  // namespace scoutlight::cli
