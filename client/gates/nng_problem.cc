#include "client/gates/nng_problem.h"

#include <nng/nng.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace scoutlight::client {
namespace {

struct FreeStatistics {
  void operator()(nng_stat* root) const { nng_stats_free(root); }
};

// The counters of a dialer that tell of failures, and what each means to an operator.
constexpr std::pair<absl::string_view, absl::string_view> kFailures[] = {
    {"refused", "refused"},        {"timeout", "not answered in time"},  {"reject", "of another protocol"},
    {"disconnect", "cut off"},     {"proto", "no scalability protocol"}, {"auth", "not allowed"},
    {"other", "failed otherwise"},
};

// What the counters of one dialer tell; empty: nothing has failed.
std::string ProblemOf(nng_stat* dialer) {
  std::string problem;
  for (nng_stat* child = nng_stat_child(dialer); child != nullptr; child = nng_stat_next(child)) {
    for (const auto& [name, meaning] : kFailures) {
      if (nng_stat_name(child) != name || nng_stat_value(child) == 0) continue;
      absl::StrAppend(&problem, problem.empty() ? "" : ", ", meaning, " (", nng_stat_value(child), ")");
    }
  }
  return problem;
}

// nng_stat_find_dialer of 1.5.2 may answer another one's (nng issue 1577), so the tree is walked: each scope "dialer" has its "id".
void AddProblems(nng_stat* at, NngProblemsById* problems) {
  for (; at != nullptr; at = nng_stat_next(at)) {
    if (absl::string_view(nng_stat_name(at)) == "dialer") {
      for (nng_stat* child = nng_stat_child(at); child != nullptr; child = nng_stat_next(child)) {
        if (absl::string_view(nng_stat_name(child)) != "id") continue;
        if (std::string problem = ProblemOf(at); !problem.empty()) {
          problems->insert_or_assign(static_cast<int>(nng_stat_value(child)), std::move(problem));
        }
      }
    }
    AddProblems(nng_stat_child(at), problems);
  }
}

}  // namespace

NngProblemsById LookAtNngDialers() {
  NngProblemsById problems;
  nng_stat* read = nullptr;
  if (nng_stats_get(&read) != 0) return problems;
  const std::unique_ptr<nng_stat, FreeStatistics> root(read);
  AddProblems(root.get(), &problems);
  return problems;
}

NngProblems::Seen NngProblems::Newest() const {
  MutexLock lock(&mu_);
  return seen_ != nullptr && clock_.SinceBoot() - seen_at_ <= kAgeMax ? seen_ : nullptr;
}

std::string NngProblems::Of(int dialer) {
  Seen seen = Newest();
  if (seen == nullptr) {
    seen = std::make_shared<const NngProblemsById>(look_());
    MutexLock lock(&mu_);
    seen_ = seen;
    // A long look is as new as any when it is over.
    seen_at_ = clock_.SinceBoot();
  }
  const auto found = seen->find(dialer);
  return found == seen->end() ? std::string() : found->second;
}

}  // namespace scoutlight::client
