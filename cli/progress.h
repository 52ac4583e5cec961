#ifndef SCOUTLIGHT_CLI_PROGRESS_H_
#define SCOUTLIGHT_CLI_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cli/printer.h"

namespace scoutlight::cli {

// How far long work has come: a line on standard error that is written anew, at most kPerSecondMax times, and is gone with this or Clear(),
// which is to be before anything else is written there. Where standard error is no terminal, and in JSON, nothing. Not thread-safe.
class Progress {
 public:
  static constexpr int kPerSecondMax = 10;

  enum class Unit { kEntries, kBytes };

  // "WHAT: 1200 entries, 600/s". `clock` outlives it.
  Progress(std::string what, Unit unit, OutputForm form, Clock* clock = &Clock::System());
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // So much is done since this was made; `share` of all, 0 to 1; nullopt: not known.
  void Show(int64_t done, std::optional<double> share = std::nullopt);
  void Clear();

 private:
  const std::string what_;
  const Unit unit_;
  const int columns_;  // Of the terminal; 0: nothing is shown.
  Clock& clock_;
  const absl::Duration start_;
  absl::Duration next_;  // When it is shown again, by Clock::SinceBoot().
  bool is_shown_ = false;
};

// The line, without the terminal's: for tests.
std::string ProgressText(const std::string& what, Progress::Unit unit, int64_t done, std::optional<double> share, absl::Duration elapsed);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_PROGRESS_H_
