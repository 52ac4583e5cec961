#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"
#include "tests/checker/registration_views.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::ServiceName;
using Kind = InstanceFrame::Kind;

// The streams of all observers, each in the order of its time.
class ObserverCheck {
 public:
  ObserverCheck(const RegistrationFacts& facts, Findings* findings) : facts_(facts), findings_(*findings) {}

  void Run() {
    for (const ObserverStream& stream : facts_.history.observers) CheckStream(stream);
  }

 private:
  // Up to where an observer had been told of a service, in which store.
  struct Reached {
    int store = -1;
    Revision revision = 0;
  };

  int IndexOf(const StoreId& store) const {
    for (size_t i = 0; i < facts_.stores.size(); ++i) {
      if (facts_.stores[i]->timeline.store() == store) return static_cast<int>(i);
    }
    return -1;
  }

  void CheckStream(const ObserverStream& stream) {
    ServiceViews views(stream);
    StoreId store;
    for (const InstanceFrame& frame : stream.frames) {
      const std::string at = absl::StrCat("\"", stream.observer, "\" at ", frame.revision, ": ");
      if (frame.kind != Kind::kStarted && !store.empty() && frame.store != store) {
        Add(Rule::kOrder, frame, absl::StrCat(at, "the stream passes from store ", store, " to ", frame.store));
      }
      if (!frame.store.empty()) store = frame.store;
      const int index = IndexOf(store);
      if (const std::string fault = views.Take(frame); !fault.empty()) Add(Rule::kOrder, frame, absl::StrCat(at, fault));
      if (index < 0) continue;
      for (const ServiceName& service : views.completed()) CheckView(stream, index, service, frame, views.Of(service));
    }
  }

  // A view that a frame has made whole.
  void CheckView(const ObserverStream& stream, int index, const ServiceName& service, const InstanceFrame& frame, const ServiceView& view) {
    Reached& reached = reached_[{stream.observer, service}];
    if (index < reached.store || (index == reached.store && view.revision < reached.revision)) {
      Add(Rule::kOrder, frame,
          absl::StrCat("\"", stream.observer, "\", service ", service.service, ": revision ", view.revision, " of store ", index, " after ",
                       reached.revision, " of store ", reached.store));
    }
    if (index == reached.store && !view.snapshot) {
      CheckContent(stream, *facts_.stores[index], service, frame, view, reached.revision);
    } else {
      CheckContent(stream, *facts_.stores[index], service, frame, view, 0);
    }
    reached = {index, view.revision};
  }

  // What has changed in the log since `after`, and what the frame shows, must be in the view as it was.
  void CheckContent(const ObserverStream& stream, const StoreFacts& store, const ServiceName& service, const InstanceFrame& frame,
                    const ServiceView& view, Revision after) {
    std::set<std::string> ids = view.touched;
    const auto& changes = store.timeline.ChangesOf(service);
    auto change = std::upper_bound(changes.begin(), changes.end(), after,
                                   [](Revision revision, const Timeline::Change& one) { return revision < one.revision; });
    for (; change != changes.end() && change->revision <= view.revision; ++change) ids.insert(change->name.id);
    for (const std::string& id : ids) {
      const InstanceName name{service.cluster, service.service, id};
      const Moment moment{view.revision, frame.received};
      const auto shown = view.instances.find(id);
      const std::string fault =
          shown == view.instances.end() ? FaultOfAbsent(store, name, moment) : FaultOfShown(store, name, *shown->second, moment);
      if (!fault.empty()) Add(Rule::kShown, frame, absl::StrCat("\"", stream.observer, "\" at ", view.revision, ": ", fault));
    }
  }

  void Add(Rule rule, const InstanceFrame& frame, std::string message) { findings_.Add(rule, frame.revision, {}, std::move(message)); }

  const RegistrationFacts& facts_;
  Findings& findings_;
  std::map<std::pair<std::string, ServiceName>, Reached> reached_;
};

}  // namespace

void CheckObservers(const RegistrationFacts& facts, Findings* findings) { ObserverCheck(facts, findings).Run(); }

}  // namespace scoutlight::checker
