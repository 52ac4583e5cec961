#ifndef SCOUTLIGHT_CLI_DIAGNOSIS_H_
#define SCOUTLIGHT_CLI_DIAGNOSIS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "client/admin.h"
#include "client/discovery.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight::cli {

enum class Severity {
  kInfo,     // It may be meant so.
  kWarning,  // Something does not work as well as it could, or soon will not.
  kError,    // Something does not work.
};
// "info", "warning", "error".
std::string SeverityText(Severity severity);

// Something about a registry that somebody should know of.
struct Finding {
  Severity severity = Severity::kInfo;
  std::string kind;     // One word, the same for all of its kind: "duplicate_address".
  std::string subject;  // "Printer/laser", "other:Printer/laser" of another cluster than "default", "server", "subscriber ID".
  std::string command;  // What to do: a line of shell, for where the subject is.
  std::string meaning;
};

// What is wrong with what a registry says of itself. Keeps at most kFindingsMax findings and kAddressesMax addresses; what is beyond is
// counted. Not thread-safe.
class Diagnosis {
 public:
  static constexpr int kFindingsMax = 1'000;
  static constexpr int kAddressesMax = 100'000;
  // Of what there may be of something, from where on that is worth a warning, and an error.
  static constexpr double kShareWarning = 0.8;
  static constexpr double kShareError = 0.95;
  static constexpr absl::Duration kClockDifferenceMax = absl::Seconds(30);

  // `now` by this machine's calendar, when the status came.
  void LookAtServer(const ServerStatus& status, absl::Time now);
  void LookAtService(const std::string& cluster, const ServiceSummary& service);
  void LookAtInstance(const discovery::Instance& instance);
  // `later` is a second look, `between` after the first.
  void LookAtSubscribers(const std::vector<Subscriber>& first, const std::vector<Subscriber>& later, absl::Duration between);

  // The most severe first, each in the order in which they were found.
  std::vector<Finding> Findings() const;
  // Of all, those too that are not kept.
  int64_t count(Severity severity) const { return counts_[static_cast<size_t>(severity)]; }
  int64_t findings_left_out() const { return findings_left_out_; }
  // Addresses that could not be compared with later ones.
  int64_t addresses_left_out() const { return addresses_left_out_; }

 private:
  struct Registered {
    discovery::InstanceName name;
    Revision epoch = 0;
  };

  void Add(Finding finding);
  void LookAtLimit(const std::string& what, int64_t count, int64_t count_max, const std::string& command);
  void LookAtAddresses(const discovery::Instance& instance);
  void AddDuplicate(const std::string& address, const discovery::InstanceName& older, const discovery::InstanceName& newer);

  std::vector<Finding> findings_;
  int64_t counts_[3] = {};
  int64_t findings_left_out_ = 0;
  int64_t addresses_left_out_ = 0;
  absl::flat_hash_map<std::string, Registered> addresses_;  // Who is at "host:port": the newest.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_DIAGNOSIS_H_
