#include "client/gates/bound_lines.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace scoutlight::client {
namespace {

// The same address at a port that the system chooses; empty: it has no port.
std::string AtAnotherPort(const std::string& address) {
  if (!absl::StartsWith(address, "tcp://") || absl::EndsWith(address, ":0")) return std::string();
  return absl::StrCat(address.substr(0, address.rfind(':')), ":0");
}

// ":5555"; empty: none, or one that the system chooses.
std::string PortOf(const std::string& url) {
  if (!absl::StartsWith(url, "tcp://") || absl::EndsWith(url, ":0")) return std::string();
  return url.substr(url.rfind(':'));
}

}  // namespace

absl::Status BoundLines::SetAddresses(const std::vector<std::string>& addresses, IfTaken if_taken) {
  absl::Status first;
  for (const std::string& address : addresses) {
    if (lines_.contains(address)) continue;
    if (HoldsPortOf(address, addresses)) {
      first.Update(
          absl::UnavailableError(absl::StrCat("listening at ", address, ": the gate's own address of before is still left there")));
    } else {
      first.Update(Bind(address, if_taken));
    }
  }
  if (!first.ok()) return first;
  for (auto bound = lines_.begin(); bound != lines_.end();) {
    if (std::find(addresses.begin(), addresses.end(), bound->first) != addresses.end()) {
      ++bound;
      continue;
    }
    Leave(std::move(bound->second));
    bound = lines_.erase(bound);
  }
  return first;
}

bool BoundLines::HoldsPortOf(const std::string& address, const std::vector<std::string>& addresses) {
  const std::string port = PortOf(address);
  if (port.empty()) return false;
  for (auto bound = lines_.begin(); bound != lines_.end();) {
    const bool stays = PortOf(bound->second.url) != port || std::find(addresses.begin(), addresses.end(), bound->first) != addresses.end();
    if (!stays) Leave(std::move(bound->second));
    bound = stays ? std::next(bound) : lines_.erase(bound);
  }
  std::erase_if(leaving_from_, [](const auto& leaving) { return leaving.second.expired(); });
  return std::any_of(leaving_from_.begin(), leaving_from_.end(), [&port](const auto& leaving) { return leaving.first == port; });
}

void BoundLines::Leave(Bound bound) {
  std::erase_if(leaving_from_, [](const auto& leaving) { return leaving.second.expired(); });
  leaving_from_.emplace_back(PortOf(bound.url), bound.line);
  leaving_.Add(std::move(bound.line), linger_);
}

absl::Status BoundLines::Bind(const std::string& address, IfTaken if_taken) {
  absl::StatusOr<LinePtr> line = traffic_.OpenLine();
  if (!line.ok()) return line.status();
  absl::StatusOr<std::string> url = (*line)->socket().Listen(address);
  if (absl::IsAlreadyExists(url.status()) && if_taken == IfTaken::kTakeAnother) {
    const std::string other = AtAnotherPort(address);
    if (!other.empty()) url = (*line)->socket().Listen(other);
  }
  if (!url.ok()) {
    (*line)->socket().Close();
    return url.status();
  }
  traffic_.Start(*line);
  lines_.emplace(address, Bound{.line = *std::move(line), .url = *std::move(url)});
  return absl::OkStatus();
}

void BoundLines::LeaveAll(absl::Duration linger) {
  for (auto& [address, bound] : lines_) leaving_.Add(std::move(bound.line), linger);
  lines_.clear();
}

std::vector<std::string> BoundLines::urls() const {
  std::vector<std::string> urls;
  for (const auto& [address, bound] : lines_) urls.push_back(bound.url);
  return urls;
}

int BoundLines::peers() const {
  int peers = 0;
  for (const auto& [address, bound] : lines_) peers += bound.line->peers();
  return peers;
}

}  // namespace scoutlight::client
