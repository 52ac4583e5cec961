#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "cli/terminal_text.h"

namespace scoutlight::cli {
namespace {

// Before that a rate says nothing.
constexpr absl::Duration kRateAfter = absl::Milliseconds(200);

// Of a terminal whose lines can be rewritten; else 0.
int ColumnsOfErrors() {
  const char* const kind = getenv("TERM");
  if (isatty(STDERR_FILENO) != 1 || (kind != nullptr && strcmp(kind, "dumb") == 0)) return 0;
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string AmountText(double amount, Progress::Unit unit) {
  if (unit == Progress::Unit::kEntries) return absl::StrFormat("%.0f", amount);
  constexpr std::array<absl::string_view, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  size_t power = 0;
  for (; amount >= 1024 && power + 1 < kUnits.size(); ++power) amount /= 1024;
  return absl::StrFormat("%.*f %s", power == 0 ? 0 : 1, amount, kUnits[power]);
}

// A terminal that takes nothing is no reason for work to fail.
void WriteLine(absl::string_view line) {
  const std::string text = absl::StrCat("\r", line, "\x1b[K");
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string ProgressText(const std::string& what, Progress::Unit unit, int64_t done, std::optional<double> share, absl::Duration elapsed) {
  std::string text = absl::StrCat(what, ": ", AmountText(static_cast<double>(done), unit));
  if (unit == Progress::Unit::kEntries) absl::StrAppend(&text, done == 1 ? " entry" : " entries");
  if (share.has_value()) absl::StrAppendFormat(&text, ", %.0f %%", std::clamp(*share, 0.0, 1.0) * 100);
  if (elapsed < kRateAfter) return text;
  return absl::StrCat(text, ", ", AmountText(static_cast<double>(done) / absl::ToDoubleSeconds(elapsed), unit), "/s");
}

Progress::Progress(std::string what, Unit unit, OutputForm form, Clock* clock)
    : what_(std::move(what)),
      unit_(unit),
      columns_(form == OutputForm::kJson ? 0 : ColumnsOfErrors()),
      clock_(*clock),
      start_(clock->SinceBoot()),
      next_(start_) {}

Progress::~Progress() { Clear(); }

void Progress::Show(int64_t done, std::optional<double> share) {
  // Behind the last column a terminal would begin a new line.
  if (columns_ < 2) return;
  const absl::Duration now = clock_.SinceBoot();
  if (now < next_) return;
  next_ = now + absl::Seconds(1) / kPerSecondMax;
  is_shown_ = true;
  WriteLine(CutTo(ProgressText(what_, unit_, done, share, now - start_), columns_ - 1));
}

void Progress::Clear() {
  if (std::exchange(is_shown_, false)) WriteLine("");
}

}  // namespace scoutlight::cli
