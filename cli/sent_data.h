#ifndef SCOUTLIGHT_CLI_SENT_DATA_H_
#define SCOUTLIGHT_CLI_SENT_DATA_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"

// What `http` and `call` send besides the address: -d and -H.
namespace scoutlight::cli {

inline constexpr size_t kSentBytesMax = 16 << 20;

struct NamedText {
  std::string name;
  std::string value;
};

class SentData {
 public:
  // Declares the flags. This outlives `verb`. `data_help` says what -d is for.
  void Declare(CLI::App* verb, const std::string& data_help);

  // The text of -d, what the file of -d @FILE holds, or with -d - standard input; nullopt: there is no -d. kInvalidArgument: it cannot be
  // read, or has more than kSentBytesMax.
  absl::StatusOr<std::optional<std::string>> Read() const;

  // Those of -H 'Name: value', without blanks around name and value. kInvalidArgument: one has no colon, or no name.
  absl::StatusOr<std::vector<NamedText>> Headers() const;

 private:
  std::optional<std::string> data_;
  std::vector<std::string> headers_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SENT_DATA_H_
