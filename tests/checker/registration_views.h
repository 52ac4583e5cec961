#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_VIEWS_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_VIEWS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// What an observer knows of one service. Pointers into its frames.
struct ServiceView {
  std::map<std::string, const ShownInstance*> instances;
  Revision revision = 0;
  bool whole = false;             // It has had its snapshot, and is inside no fragment.
  bool snapshot = false;          // The last step was one.
  std::set<std::string> touched;  // Ids that the last step has shown or removed.
};

// What the frames of one stream add up to, service by service. A service that the stream has removed is left out: its frames on their way
// cannot be told from those of the next subscription to it.
class ServiceViews {
 public:
  // `stream` outlives this.
  explicit ServiceViews(const ObserverStream& stream);

  // Takes the next frame; what is wrong with it as the next one, empty: nothing.
  std::string Take(const InstanceFrame& frame);

  // The services whose views that frame has made whole, or brought to its revision.
  const std::vector<discovery::ServiceName>& completed() const { return completed_; }
  const ServiceView& Of(const discovery::ServiceName& service) { return views_[service].view; }

 private:
  struct Progress {
    ServiceView view;
    bool building = false;  // A snapshot.
    bool begun = false;     // Its snapshot has ended.
    bool inside = false;    // Fragments.
  };

  std::string TakeStep(const InstanceFrame& frame, Progress* progress);
  static std::string Merge(const InstanceFrame& frame, ServiceView* view);

  std::set<discovery::ServiceName> removed_;
  std::map<discovery::ServiceName, Progress> views_;
  std::vector<discovery::ServiceName> completed_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_VIEWS_H_
