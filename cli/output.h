#ifndef SCOUTLIGHT_CLI_OUTPUT_H_
#define SCOUTLIGHT_CLI_OUTPUT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace scoutlight::cli {

// What the two streams of the program are, found out once at its start.
struct Terminals {
  bool output_colours = false;
  bool errors_colours = false;
  bool asks = false;       // Somebody can be asked: standard input and standard error are a terminal.
  int output_columns = 0;  // How broad the terminal is; 0: standard output is none, and nothing is cut.
};
// Colours only on a terminal, and if NO_COLOR (no-color.org) is not set and TERM is not "dumb".
Terminals FindTerminals();

// Takes up those of the descriptors 0, 1 and 2 that are closed, so that nothing else that is opened gets them: in the wrong direction, so
// that their use fails as that of closed ones does. To be called before anything is opened. False: the system refuses.
bool HoldStandardStreams();

// Standard output and standard error, written without a buffer in between that outlives a call: SIGPIPE must be ignored. Thread-safe as
// far as single writes go in one piece up to 4 KiB.
class Output {
 public:
  // Data, to standard output. After a failed write nothing is written any more.
  void Write(absl::string_view bytes);
  // Messages, to standard error. What cannot be written is lost.
  void WriteError(absl::string_view bytes);

  // kCancelled: whoever reads standard output has closed it. kDataLoss: it cannot be written, for the reason told.
  absl::Status status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_OUTPUT_H_
