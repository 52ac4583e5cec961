#ifndef SCOUTLIGHT_TESTS_CHECKER_REQUEST_MIX_H_
#define SCOUTLIGHT_TESTS_CHECKER_REQUEST_MIX_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "tests/checker/history.h"

namespace scoutlight::checker {

struct MixOptions {
  bool leases = true;       // Grants, renewals, revocations, puts with leases.
  bool request_ids = true;  // A third of the writes can be repeated.
  absl::Duration ttl_min = absl::Seconds(1);
  absl::Duration ttl_max = absl::Seconds(3);
};

// What a watch of the tree that a RequestMix works on may ask for: a key, children, a part of it, all.
KeyRange DrawWatched(std::mt19937_64* random);

// Draws what one client asks for: all kinds of calls on a small tree that all clients share, conditions that hold about every other time,
// values that nobody else writes. The same seed and answers give the same requests. Not thread-safe.
class RequestMix {
 public:
  RequestMix(int client, uint64_t seed, MixOptions options);

  // A call with client and request.
  Call Next();
  // Lets what came of a call into later ones: revisions to expect, leases to use, pages to go on with.
  void Learn(const Call& call);

 private:
  using Request = decltype(Call::request);

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }
  const Key& AnyKey();
  Scope AnyScope();
  Value NewValue();
  LeaseId AnyLease();
  std::string NewRequestId();
  std::optional<Revision> MaybeExpected(int percent, const Key& key);
  storage::PutOperation NewPut(const Key& key);
  storage::DeleteOperation NewDelete();
  storage::Condition NewCondition();
  storage::Operation NewOperation();
  Request NewTransaction();
  Request NewRead();
  Request NewLeaseCall();
  void LearnEntry(const Entry& entry);

  const int client_;
  const MixOptions options_;
  std::mt19937_64 random_;
  std::vector<Key> keys_;
  std::vector<std::optional<Revision>> mod_revisions_;  // Last seen, by key; 0: absent.
  std::vector<LeaseId> leases_;
  Revision latest_ = 0;
  std::optional<Read> next_page_;
  int64_t values_ = 0;
  int64_t request_ids_ = 0;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REQUEST_MIX_H_
