#ifndef SCOUTLIGHT_CLI_CONTEXTS_H_
#define SCOUTLIGHT_CLI_CONTEXTS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::cli {

inline constexpr int kContextsMax = 1'000;
inline constexpr int kContextNameBytesMax = 64;

// How to reach one registry. What is empty is not said by it. Of keys it has the paths alone.
struct Context {
  std::vector<std::string> endpoints;
  std::string cluster;
  bool tls = false;
  std::string tls_ca;  // Files.
  std::string tls_cert;
  std::string tls_key;
};

struct Contexts {
  std::string current;  // The one that holds where none is named; empty: none.
  std::map<std::string, Context> by_name;
};

// Where they are kept: $XDG_CONFIG_HOME/scoutlight/contexts.json, without that variable below $HOME/.config; empty: that is not set either.
std::string ContextsPath();

// What is wrong with the name of a context, in words that go on after the field's name; empty: nothing.
std::string ContextNameFault(absl::string_view name);

// Where there is no file: none. kInvalidArgument: it cannot be read, or what is wrong in it at which place; the field is the file's path.
absl::StatusOr<Contexts> ReadContexts(const std::string& path);

// kNotFound: `name` is not there, and what was probably meant.
absl::StatusOr<Context> FindContext(const Contexts& contexts, const std::string& name);

// Reads them, has `change` change them, and replaces the file as a whole, mode 0600; makes its folder if need be. Changes that are made at
// the same time wait for each other. An error, that of `change` too: nothing has changed.
absl::Status ChangeContexts(const std::string& path, const std::function<absl::Status(Contexts*)>& change);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_CONTEXTS_H_
