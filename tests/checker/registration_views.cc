#include "tests/checker/registration_views.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::checker {
namespace {

using discovery::ServiceName;
using Kind = InstanceFrame::Kind;

}  // namespace

ServiceViews::ServiceViews(const ObserverStream& stream) {
  for (const ObserverStream::Sent& sent : stream.sent) removed_.insert(sent.remove.begin(), sent.remove.end());
}

std::string ServiceViews::Take(const InstanceFrame& frame) {
  completed_.clear();
  if (frame.kind == Kind::kStarted) return "";
  const bool of_all = frame.kind == Kind::kProgress && frame.service.service.empty();
  if (!of_all) {
    if (removed_.contains(frame.service)) return "";
    Progress& progress = views_[frame.service];
    std::string fault = TakeStep(frame, &progress);
    if (progress.view.whole) completed_.push_back(frame.service);
    return fault;
  }
  std::string fault;
  for (auto& [service, progress] : views_) {
    if (!progress.begun) continue;
    fault = TakeStep(frame, &progress);
    if (progress.view.whole) completed_.push_back(service);
  }
  return fault;
}

std::string ServiceViews::TakeStep(const InstanceFrame& frame, Progress* progress) {
  ServiceView& view = progress->view;
  std::string fault;
  if (view.whole || (frame.kind == Kind::kSnapshot && !progress->building)) view.touched.clear();
  switch (frame.kind) {
    case Kind::kSnapshot:
      if (!progress->building) view.instances.clear();
      progress->building = true;
      view.whole = false;
      return Merge(frame, &view);
    case Kind::kSnapshotEnd:
      // One of nothing has no other frame.
      if (!progress->building) view.instances.clear();
      progress->building = false;
      progress->begun = true;
      break;
    case Kind::kChanges:
      if (!progress->begun || progress->building) fault = absl::StrCat("changes of ", frame.service.service, " come before its snapshot");
      if (std::string wrong = Merge(frame, &view); fault.empty()) fault = std::move(wrong);
      break;
    case Kind::kProgress:
      if (!progress->begun || progress->building) fault = absl::StrCat("progress of ", frame.service.service, " comes before its snapshot");
      break;
    case Kind::kStarted:
      break;
  }
  progress->inside = frame.fragment;
  view.whole = progress->begun && !progress->inside && !progress->building;
  if (view.whole) {
    if (frame.kind != Kind::kSnapshotEnd && frame.revision < view.revision && fault.empty()) {
      fault = absl::StrCat("revision ", frame.revision, " comes after ", view.revision);
    }
    view.snapshot = frame.kind == Kind::kSnapshotEnd;
    view.revision = frame.revision;
  }
  return fault;
}

std::string ServiceViews::Merge(const InstanceFrame& frame, ServiceView* view) {
  std::string fault;
  for (const ShownInstance& instance : frame.changed) {
    view->instances[instance.id] = &instance;
    view->touched.insert(instance.id);
  }
  for (const std::string& id : frame.removed) {
    if (view->instances.erase(id) == 0) fault = absl::StrCat(id, " is removed, and was not shown");
    view->touched.insert(id);
  }
  return fault;
}

}  // namespace scoutlight::checker
