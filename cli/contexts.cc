#include "cli/contexts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/shown.h"
#include "cli/input.h"
#include "cli/suggestion.h"
#include "discovery/bounded_json.h"
#include "discovery/object_reader.h"

namespace scoutlight::cli {
namespace {

using discovery::ObjectReader;
using Mistakes = std::vector<FieldViolation>;

// Of the file. Another one may have what this program does not know.
constexpr int64_t kVersion = 1;
constexpr size_t kFileBytesMax = 1 << 20;
constexpr int kDepthMax = 4;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

// Closed when it goes, which lets a lock go too.
class Descriptor {
 public:
  explicit Descriptor(int file) : file_(file) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (file_ >= 0) close(file_);
  }
  int get() const { return file_; }

 private:
  const int file_;
};

Context ReadContext(const nlohmann::json& json, const std::string& path, Mistakes* mistakes) {
  ObjectReader object(json, path, mistakes);
  Context context{.endpoints = object.Strings("endpoints"),
                  .cluster = object.String("cluster").value_or(""),
                  .tls = object.Bool("tls", false),
                  .tls_ca = object.String("tls_ca").value_or(""),
                  .tls_cert = object.String("tls_cert").value_or(""),
                  .tls_key = object.String("tls_key").value_or("")};
  object.RefuseOthers();
  return context;
}

void ReadAll(const nlohmann::json& json, Mistakes* mistakes, Contexts* contexts) {
  ObjectReader document(json, "", mistakes);
  document.Require("version");
  const std::optional<int64_t> version = document.Integer("version");
  // What else there is may be right by its own rules.
  if (version.has_value() && *version != kVersion) {
    return document.AddMistake("version", absl::StrCat("is ", *version, ", this program reads ", kVersion));
  }
  contexts->current = document.String("current").value_or("");
  const nlohmann::json* const all = document.Require("contexts");
  document.RefuseOthers();
  if (all == nullptr) return;
  if (!all->is_object()) return document.AddMistake("contexts", "must be an object");
  if (all->size() > static_cast<size_t>(kContextsMax)) {
    return document.AddMistake("contexts", absl::StrCat("are ", all->size(), ", at most ", kContextsMax, " are allowed"));
  }
  for (const auto& [name, context] : all->items()) {
    const std::string path = discovery::JsonMemberPath("contexts", name);
    if (const std::string fault = ContextNameFault(name); !fault.empty())
      mistakes->push_back({path, absl::StrCat("has a name that ", fault)});
    contexts->by_name.emplace(name, ReadContext(context, path, mistakes));
  }
  if (!contexts->current.empty() && !contexts->by_name.contains(contexts->current)) {
    document.AddMistake("current", absl::StrCat("names no context: ", Shown(contexts->current)));
  }
}

std::string TextOf(const Contexts& contexts) {
  nlohmann::ordered_json json = {{"version", kVersion}};
  if (!contexts.current.empty()) json["current"] = contexts.current;
  nlohmann::ordered_json& all = json["contexts"] = nlohmann::ordered_json::object();
  for (const auto& [name, context] : contexts.by_name) {
    nlohmann::ordered_json& one = all[name] = nlohmann::ordered_json::object();
    if (!context.endpoints.empty()) one["endpoints"] = context.endpoints;
    if (context.tls) one["tls"] = true;
    for (const auto& [member, value] : {std::pair("cluster", &context.cluster), std::pair("tls_ca", &context.tls_ca),
                                        std::pair("tls_cert", &context.tls_cert), std::pair("tls_key", &context.tls_key)}) {
      if (!value->empty()) one[member] = *value;
    }
  }
  return absl::StrCat(json.dump(2), "\n");
}

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::UnknownError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(errno)));
}

absl::Status WriteAll(int file, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  // So that the name never leads to less than all of it.
  return fsync(file) == 0 ? absl::OkStatus() : Failed("write", path);
}

// With the folder locked: what one that was killed has left is nobody else's.
absl::Status Replace(const std::string& path, absl::string_view content) {
  const std::string temporary = absl::StrCat(path, ".next");
  unlink(temporary.c_str());
  const Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (file.get() < 0) return Failed("make", temporary);
  absl::Status done = WriteAll(file.get(), content, temporary);
  if (done.ok() && rename(temporary.c_str(), path.c_str()) != 0) done = Failed("replace", path);
  if (!done.ok()) unlink(temporary.c_str());
  return done;
}

}  // namespace

std::string ContextsPath() {
  const auto variable = [](const char* name) {
    const char* const value = getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  constexpr char kFile[] = "/scoutlight/contexts.json";
  // One that is no absolute path is not looked at, as the XDG Base Directory Specification says.
  if (const std::string config = variable("XDG_CONFIG_HOME"); absl::StartsWith(config, "/")) return absl::StrCat(config, kFile);
  const std::string home = variable("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.config", kFile);
}

std::string ContextNameFault(absl::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > static_cast<size_t>(kContextNameBytesMax)) {
    return absl::StrCat("has ", name.size(), " bytes, at most ", kContextNameBytesMax, " are allowed");
  }
  const bool is_plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {  //
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (!is_plain || name.front() == '-') return absl::StrCat("must be of a-z, A-Z, 0-9, ., _, -, and not begin with -: ", Shown(name));
  return "";
}

absl::StatusOr<Contexts> ReadContexts(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown) && !unknown) return Contexts();
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text.ok()) return InvalidField(Reason::kInvalidField, path, absl::StrCat("cannot be read: ", text.status().message()));
  const absl::StatusOr<nlohmann::json> json =
      discovery::ParseBoundedJson(*text, {.bytes_max = kFileBytesMax, .depth_max = kDepthMax}, path);
  if (!json.ok()) return json.status();
  Mistakes mistakes;
  Contexts contexts;
  ReadAll(*json, &mistakes, &contexts);
  if (mistakes.empty()) return contexts;
  return PrefixFields(InvalidFields(Reason::kInvalidField, std::move(mistakes)), absl::StrCat(path, ": "));
}

absl::StatusOr<Context> FindContext(const Contexts& contexts, const std::string& name) {
  if (const auto found = contexts.by_name.find(name); found != contexts.by_name.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, context] : contexts.by_name) names.push_back(known);
  const std::string meant = Suggestion(name, names);
  return absl::NotFoundError(
      absl::StrCat("there is no context ", Shown(name),
                   meant.empty() ? "; scoutctl context list shows them" : absl::StrCat("; did you mean ", meant, "?")));
}

absl::Status ChangeContexts(const std::string& path, const std::function<absl::Status(Contexts*)>& change) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const std::filesystem::path above = std::filesystem::path(folder).parent_path();
  std::error_code failed;
  std::filesystem::create_directories(above, failed);
  if (mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST) return Failed("make", folder);
  const Descriptor lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0 || flock(lock.get(), LOCK_EX) != 0) return Failed("lock", folder);
  absl::StatusOr<Contexts> contexts = ReadContexts(path);
  if (!contexts.ok()) return contexts.status();
  if (absl::Status refused = change(&*contexts); !refused.ok()) return refused;
  const std::string text = TextOf(*contexts);
  if (text.size() > kFileBytesMax || contexts->by_name.size() > static_cast<size_t>(kContextsMax)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("at most ", kContextsMax, " contexts, of ", kFileBytesMax, " bytes in all, can be kept in ", path));
  }
  return Replace(path, text);
}

}  // namespace scoutlight::cli
