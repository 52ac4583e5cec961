#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CALLERS_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CALLERS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/checker/registration_workload.h"

namespace scoutlight::checker {

// The kinds of clients of a RegistrationWorkload. `number` tells them apart.
std::unique_ptr<RegistrationWorkload::Client> MakeCaller(int number, uint64_t seed, RegistrationRecorder* recorder);
// Now and then it opens the session of another.
std::unique_ptr<RegistrationWorkload::Client> MakeSession(int number, uint64_t seed, RegistrationRecorder* recorder);
std::unique_ptr<RegistrationWorkload::Client> MakeWatcher(int number, uint64_t seed, RegistrationRecorder* recorder);
std::unique_ptr<RegistrationWorkload::Client> MakeSubscriber(int number, uint64_t seed, RegistrationRecorder* recorder);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_CALLERS_H_
