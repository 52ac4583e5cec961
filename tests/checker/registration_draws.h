#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_DRAWS_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_DRAWS_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_workload.h"
#include "tests/support/random.h"

namespace scoutlight::checker {

// Whether no server has answered.
inline bool IsGone(const grpc::Status& status) {
  return !status.ok() && status.error_details().empty() && status.error_code() != grpc::StatusCode::CANCELLED;
}

// What a client draws.
class Draws {
 public:
  static constexpr int kIds = 6;  // Of each service.

  Draws(int number, uint64_t seed) : number_(number), random_(seed * 1'000 + number) {}

  int Of(int low, int high) { return testing::Between(low, high, &random_); }
  bool Percent(int percent) { return Of(1, 100) <= percent; }
  std::string Contended() { return RegistrationWorkload::kContended[Of(0, 1)]; }
  std::string AnyService() { return Percent(15) ? RegistrationWorkload::kMortal : Contended(); }
  std::string Id() { return absl::StrCat("i", Of(1, kIds)); }
  std::string Token() { return absl::StrCat(number_, "-", ++tokens_); }
  // What no other registration has.
  template <typename Map>
  void Fill(Map* properties) {
    (*properties)["write"] = Token();
    (*properties)["hostname"] = absl::StrCat("host", Of(1, 9));
    (*properties)["port"] = absl::StrCat(Of(1, 9'999));
    if (Percent(10)) (*properties)["health"] = "critical";
  }
  int number() const { return number_; }

 private:
  const int number_;
  testing::Random random_;
  int tokens_ = 0;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_DRAWS_H_
