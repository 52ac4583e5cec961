#include "client/gates/dialled_lines.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight::client {

void DialledLines::SetWanted(std::vector<GateEndpoint> wanted) {
  absl::btree_map<std::string, GateEndpoint> sound;
  problems_.clear();
  for (GateEndpoint& endpoint : wanted) {
    std::string fault = DialFault(endpoint.url);
    if (fault.empty()) {
      sound.emplace(endpoint.url, std::move(endpoint));
    } else {
      SetProblem(endpoint.url, std::move(fault));
    }
  }
  wanted_.clear();
  for (auto& [url, endpoint] : sound) {
    const auto dialled = lines_.find(url);
    if (dialled != lines_.end()) dialled->second.endpoint = endpoint;
    wanted_.push_back(std::move(endpoint));
  }
  Govern();
}

void DialledLines::Govern() {
  std::vector<DialledEndpoint> dialled;
  dialled.reserve(lines_.size());
  for (const auto& [url, line] : lines_) {
    dialled.push_back({.endpoint = line.endpoint, .connected = line.line->peers() > 0, .age = parts_.loop->Now() - line.since});
  }
  const GovernorStep step = parts_.governor->Decide(wanted_, dialled);
  absl::Duration ask_again = std::max(step.ask_again, kAskAgainMin);
  for (const GateEndpoint& endpoint : step.dial) {
    if (!Dial(endpoint)) ask_again = std::min(ask_again, kDialAgain);
  }
  for (const std::string& url : step.undial) Undial(url, parts_.linger);
  if (ask_again == absl::InfiniteDuration()) {
    alarm_.Clear();
  } else {
    alarm_.Set(ask_again, [this] { Govern(); });
  }
}

bool DialledLines::Dial(const GateEndpoint& endpoint) {
  if (lines_.contains(endpoint.url)) return true;
  // A governor may ask for what nobody wanted.
  if (std::string fault = DialFault(endpoint.url); !fault.empty()) {
    SetProblem(endpoint.url, std::move(fault));
    return true;
  }
  absl::StatusOr<LinePtr> line = OpenTo(endpoint.url);
  if (!line.ok()) {
    SetProblem(endpoint.url, std::string(line.status().message()));
    return false;
  }
  problems_.erase(endpoint.url);
  parts_.traffic->Start(*line);
  lines_.emplace(endpoint.url, Dialled{.endpoint = endpoint, .line = *std::move(line), .since = parts_.loop->Now()});
  return true;
}

absl::StatusOr<LinePtr> DialledLines::OpenTo(const std::string& url) {
  if (lines_.size() + parts_.leaving->size() >= static_cast<size_t>(kDialledMax)) {
    return absl::ResourceExhaustedError(absl::StrCat("is not dialled: the gate has ", lines_.size(), " endpoints, and ",
                                                     parts_.leaving->size(), " more that it is giving up, at most ", kDialledMax,
                                                     " together are allowed"));
  }
  absl::StatusOr<LinePtr> line = parts_.traffic->OpenLine();
  if (!line.ok()) return line;
  if (absl::Status failed = (*line)->socket().Dial(url); !failed.ok()) {
    (*line)->socket().Close();
    return failed;
  }
  return line;
}

void DialledLines::SetProblem(const std::string& url, std::string problem) {
  if (problems_.size() < kProblemsMax || problems_.contains(url)) problems_.insert_or_assign(url, std::move(problem));
}

void DialledLines::Undial(const std::string& url, absl::Duration linger) {
  const auto dialled = lines_.find(url);
  if (dialled == lines_.end()) return;
  LinePtr line = std::move(dialled->second.line);
  lines_.erase(dialled);
  parts_.leaving->Add(std::move(line), linger);
}

void DialledLines::LeaveAll(absl::Duration linger) {
  alarm_.Clear();
  while (!lines_.empty()) Undial(std::string(lines_.begin()->first), linger);
}

void DialledLines::Report(std::vector<Reported>* endpoints) const {
  for (const auto& [url, dialled] : lines_) {
    const bool connected = dialled.line->peers() > 0;
    endpoints->push_back(
        {.endpoint = {.endpoint = dialled.endpoint, .connected = connected}, .unconnected = connected ? nullptr : dialled.line});
  }
  for (const auto& [url, problem] : problems_) endpoints->push_back({.endpoint = {.endpoint = {.url = url}, .problem = problem}});
}

int DialledLines::peers() const {
  int peers = 0;
  for (const auto& [url, dialled] : lines_) peers += dialled.line->peers();
  return peers;
}

}  // namespace scoutlight::client
