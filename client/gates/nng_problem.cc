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

// nng_stat_find_dialer of 1.5.2 may answer another one's (nng issue 1577), so the tree is walked: the scope "dialer" whose "id" is `id`.
nng_stat* FindDialer(nng_stat* at, uint64_t id) {
  for (; at != nullptr; at = nng_stat_next(at)) {
    if (absl::string_view(nng_stat_name(at)) == "dialer") {
      for (nng_stat* child = nng_stat_child(at); child != nullptr; child = nng_stat_next(child)) {
        if (absl::string_view(nng_stat_name(child)) == "id" && nng_stat_value(child) == id) return at;
      }
    }
    if (nng_stat* found = FindDialer(nng_stat_child(at), id); found != nullptr) return found;
  }
  return nullptr;
}

}  // namespace

std::string NngDialerProblem(int id) {
  nng_stat* read = nullptr;
  if (nng_stats_get(&read) != 0) return std::string();
  const std::unique_ptr<nng_stat, FreeStatistics> root(read);
  nng_stat* const dialer = FindDialer(root.get(), id);
  std::string problem;
  if (dialer == nullptr) return problem;
  for (nng_stat* child = nng_stat_child(dialer); child != nullptr; child = nng_stat_next(child)) {
    for (const auto& [name, meaning] : kFailures) {
      if (nng_stat_name(child) != name || nng_stat_value(child) == 0) continue;
      absl::StrAppend(&problem, problem.empty() ? "" : ", ", meaning, " (", nng_stat_value(child), ")");
    }
  }
  return problem;
}

}  // namespace scoutlight::client
