#ifndef SCOUTLIGHT_TESTS_CHECKER_MUTATIONS_H_
#define SCOUTLIGHT_TESTS_CHECKER_MUTATIONS_H_

#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// A fault that a store could have, put into a true history.
struct Mutation {
  const char* name;
  Rule rule;  // That must name it; others may be broken by it too.
  // False: the history has no place for it, and is as it was.
  bool (*apply)(History* history, std::mt19937_64* random);
};

// Of answers and the log, of watches, of leases. For every fault that the checker was found to miss, add one.
std::vector<Mutation> AnswerMutations();
std::vector<Mutation> WatchMutations();
std::vector<Mutation> LeaseMutations();

// One of `count` things that `fits`; nullopt: none does.
std::optional<size_t> PickOne(size_t count, const std::function<bool(size_t)>& fits, std::mt19937_64* random);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_MUTATIONS_H_
