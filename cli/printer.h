#ifndef SCOUTLIGHT_CLI_PRINTER_H_
#define SCOUTLIGHT_CLI_PRINTER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "cli/output.h"
#include "cli/record.h"

namespace scoutlight::cli {

enum class OutputForm {
  kTable,
  kWide,  // Tables with all columns.
  kJson,
  kName,  // Names alone, one a line.
};

// Shows what a verb has found or done, in the form that was asked for: data on standard output, messages on standard error. A verb says a
// thing once. Not thread-safe, but Events may be called in one thread while Note is in another.
class Printer {
 public:
  // `output` outlives it.
  static std::unique_ptr<Printer> Make(OutputForm form, const Terminals& terminals, Output* output);
  virtual ~Printer() = default;
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  // One thing with all that is known of it.
  virtual void Item(const Record& item) = 0;
  // Several, all with the same fields. In JSON the member `member` of an object that goes on with those of `rest`.
  virtual void List(absl::string_view member, const std::vector<Record>& items, const Json& rest) = 0;
  // The table form shows the value alone.
  virtual void ValueOf(const Record& item, const Value& value) = 0;
  virtual void Tree(const TreeNode& root) = 0;
  // What was done; in tables the sentence.
  virtual void Done(absl::string_view sentence, const Record& result) = 0;
  // What a stream tells next, a line each.
  virtual void Events(const std::vector<Record>& events) = 0;
  void Event(const Record& event) { Events({event}); }
  // A message beside the data; in JSON none, where standard error is for the error.
  virtual void Note(absl::string_view message) = 0;
  // Why the verb failed: the last that is shown.
  virtual void Failed(const absl::Status& status) = 0;

  // Bytes, as they are, whatever the form.
  void Raw(absl::string_view bytes) { output_.Write(bytes); }
  // Asks on the terminal; whether the answer is yes. False at once where nobody can be asked, or the form is JSON.
  bool Confirmed(absl::string_view question);
  bool can_ask() const { return can_ask_; }
  // Whether standard output still takes something: Output::status().
  absl::Status status() const { return output_.status(); }

 protected:
  Printer(bool can_ask, Output* output) : can_ask_(can_ask), output_(*output) {}

  Output& output() { return output_; }

 private:
  const bool can_ask_;
  Output& output_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_PRINTER_H_
