#ifndef SCOUTLIGHT_DISCOVERY_BINDINGS_H_
#define SCOUTLIGHT_DISCOVERY_BINDINGS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

// Stands for every cluster or service in a binding, and for no schema.
inline constexpr absl::string_view kAny = "*";
inline constexpr absl::string_view kNoSchema = "none";

// Which schema the services of (cluster, service) have.
struct Binding {
  std::string cluster;  // A name, or kAny.
  std::string service;  // A name, or kAny.
  std::string schema;   // A name, or kNoSchema: no discovery.

  friend bool operator==(const Binding&, const Binding&) = default;
};

// All bindings. Of those that fit a service the most specific one holds, in this order:
//   1. cluster and service named
//   2. cluster named, any service
//   3. any cluster, service named
//   4. any cluster, any service
// If none of 4 is given, it binds all to kDefaultSchema, the printers layout. Immutable; thread-safe.
class Bindings {
 public:
  // Only the default.
  Bindings();

  // kInvalidArgument with every mistake: the fields `bindings[i].cluster`, `.service`, `.schema` for names that are none, `bindings[i]` for
  // one that binds the same as an earlier one, `bindings` for more than limits::kBindingsMax. At most limits::kSchemaMistakesMax are told.
  static absl::StatusOr<Bindings> Create(std::vector<Binding> bindings);

  // The place in all() of the binding that holds for a service. Four look-ups at most, no allocation.
  int Find(absl::string_view cluster, absl::string_view service) const;

  // As given, and the default behind them if it was not. Never empty.
  const std::vector<Binding>& all() const { return all_; }

 private:
  struct Pair {
    absl::string_view cluster;
    absl::string_view service;
  };
  struct PairHash {
    using is_transparent = void;
    template <typename T>
    size_t operator()(const T& pair) const {
      return absl::HashOf(absl::string_view(pair.cluster), absl::string_view(pair.service));
    }
  };
  struct PairEqual {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return absl::string_view(a.cluster) == b.cluster && absl::string_view(a.service) == b.service;
    }
  };
  struct OwnedPair {
    std::string cluster;
    std::string service;
  };

  std::vector<Binding> all_;
  absl::flat_hash_map<OwnedPair, int, PairHash, PairEqual> places_;  // In `all_`.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_BINDINGS_H_
