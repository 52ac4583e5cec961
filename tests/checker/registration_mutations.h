#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_MUTATIONS_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_MUTATIONS_H_

#include <algorithm>
#include <random>
#include <vector>

#include "tests/checker/findings.h"
#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// A fault that a server could have, put into a true history.
struct RegistrationMutation {
  const char* name;
  Rule rule;  // That must name it; others may be broken by it too.
  // False: the history has no place for it, and is as it was.
  bool (*apply)(RegistrationHistory* history, std::mt19937_64* random);
};

// All of them. For every fault that the rules were found to miss, add one.
std::vector<RegistrationMutation> RegistrationMutations();

// Of owners, epochs and leases; of what is shown.
std::vector<RegistrationMutation> OwnerMutations();
std::vector<RegistrationMutation> ShownMutations();

// One of `things` that `fits`, which is asked of them in random order until one does; nullptr: none does.
template <typename Things, typename Fits>
auto PickThing(Things* things, std::mt19937_64* random, Fits fits) {
  std::vector<decltype(&*things->begin())> all;
  for (auto& thing : *things) all.push_back(&thing);
  std::shuffle(all.begin(), all.end(), *random);
  const auto found = std::find_if(all.begin(), all.end(), [&](auto* thing) { return fits(*thing); });
  return found == all.end() ? nullptr : *found;
}

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_MUTATIONS_H_
