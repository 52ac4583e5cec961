#include "cli/context_verbs.h"

#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/flags.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

absl::StatusOr<std::string> PathOfContexts() {
  std::string path = ContextsPath();
  if (path.empty()) return absl::FailedPreconditionError("neither XDG_CONFIG_HOME nor HOME says where contexts are kept");
  return path;
}

Record ContextRecord(const std::string& name, const Context& context, bool is_current) {
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  const bool tls = context.tls || !context.tls_ca.empty() || !context.tls_cert.empty() || !context.tls_key.empty();
  return {.name = name,
          .fields = {{"name", name, Where::kAlways, std::nullopt, is_current ? Colour::kGreen : Colour::kNone},
                     {"current", is_current},
                     {"endpoints", context.endpoints},
                     {"cluster", text(context.cluster)},
                     {"tls", tls},
                     {"tls_ca", text(context.tls_ca), Where::kWide},
                     {"tls_cert", text(context.tls_cert), Where::kWide},
                     {"tls_key", text(context.tls_key), Where::kWide}}};
}

// The same one whatever the folder in which it is read. kInvalidArgument: this folder has no name any more.
absl::StatusOr<std::string> Absolute(const std::string& flag, const std::string& path) {
  if (path.empty()) return path;
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (!failed) return absolute.lexically_normal().string();
  return InvalidField(Reason::kInvalidField, flag, absl::StrCat("cannot be found: ", path, ": ", failed.message()));
}

absl::Status CheckName(const std::string& name) {
  const std::string fault = ContextNameFault(name);
  return fault.empty() ? absl::OkStatus() : InvalidField(Reason::kInvalidField, "CONTEXT", fault);
}

}  // namespace

ContextVerbs::ContextVerbs(const CLI::App* app, CLI::App* context, Verb* chosen) : app_(*app) {
  CLI::App* const add = Declare(context, "add", "keep --endpoint, --cluster and the flags of TLS under a name", &ContextVerbs::Add, chosen);
  add->add_option("CONTEXT", name_, "the name")->required()->type_name("");
  add->add_flag("--replace", replace_, "though there is one of that name");
  SetExample(add, "scoutctl context add office --endpoint registry.office:7400 --cluster office --tls-ca /etc/office/ca.pem");

  CLI::App* const use = Declare(context, "use", "have a context hold wherever none is named", &ContextVerbs::Use, chosen);
  use->add_option("CONTEXT", name_, "its name")->type_name("");
  use->add_flag("--none", none_, "none is to hold");
  SetExample(use, "scoutctl context use office");

  CLI::App* const list = Declare(context, "list", "list what is kept", &ContextVerbs::List, chosen);
  SetExample(list, "scoutctl context list");

  CLI::App* const show = Declare(context, "show", "show a context", &ContextVerbs::Show, chosen);
  show->add_option("CONTEXT", name_, "its name; default: the one that holds")->type_name("");
  SetExample(show, "scoutctl context show office");

  CLI::App* const remove = Declare(context, "delete", "delete a context", &ContextVerbs::Delete, chosen);
  remove->add_option("CONTEXT", name_, "its name")->required()->type_name("");
  SetExample(remove, "scoutctl context delete office");
}

CLI::App* ContextVerbs::Declare(CLI::App* context, const std::string& name, const std::string& help, Method method, Verb* chosen) {
  CLI::App* const verb = context->add_subcommand(name, help);
  verb->callback([this, method, chosen] {
    *chosen = [this, method](const Settings& settings, Printer* printer) { return (this->*method)(settings, printer); };
  });
  return verb;
}

absl::StatusOr<Context> ContextVerbs::Given(const Settings& settings) const {
  const auto is_given = [this](const std::string& flag) { return app_.get_option(flag)->count() > 0; };
  if (!is_given("--endpoint")) return InvalidField(Reason::kInvalidField, "--endpoint", "is missing");
  Context context{.endpoints = settings.endpoints};
  if (is_given("--cluster")) context.cluster = settings.cluster;
  if (is_given("--tls")) context.tls = settings.tls;
  for (const auto& [flag, given, kept] :
       {std::tuple("--tls-ca", &settings.tls_ca, &context.tls_ca), std::tuple("--tls-cert", &settings.tls_cert, &context.tls_cert),
        std::tuple("--tls-key", &settings.tls_key, &context.tls_key)}) {
    if (!is_given(flag)) continue;
    absl::StatusOr<std::string> absolute = Absolute(flag, *given);
    if (!absolute.ok()) return absolute.status();
    *kept = *std::move(absolute);
  }
  return context;
}

absl::Status ContextVerbs::Add(const Settings& settings, Printer* printer) const {
  if (absl::Status wrong = CheckName(name_); !wrong.ok()) return wrong;
  const absl::StatusOr<Context> context = Given(settings);
  if (!context.ok()) return context.status();
  // What they are for says what is wrong with them, and connects to nothing.
  if (absl::Status wrong = CheckOptions(ConnectionOptions{.endpoints = context->endpoints}); !wrong.ok()) return wrong;
  const absl::StatusOr<std::string> path = PathOfContexts();
  if (!path.ok()) return path.status();
  bool is_current = false;
  const absl::Status changed = ChangeContexts(*path, [&](Contexts* contexts) -> absl::Status {
    if (!replace_ && contexts->by_name.contains(name_)) {
      return absl::AlreadyExistsError(absl::StrCat("there is a context ", name_, "; --replace replaces it"));
    }
    contexts->by_name[name_] = *context;
    is_current = contexts->current == name_;
    return absl::OkStatus();
  });
  if (!changed.ok()) return changed;
  printer->Done(absl::StrCat("added context ", name_, is_current ? "" : absl::StrCat("; scoutctl context use ", name_, " has it hold")),
                ContextRecord(name_, *context, is_current));
  return absl::OkStatus();
}

absl::Status ContextVerbs::Use(const Settings&, Printer* printer) const {
  if (name_.empty() != none_) return InvalidField(Reason::kInvalidField, "CONTEXT", none_ ? "is given, and --none too" : "is missing");
  const absl::StatusOr<std::string> path = PathOfContexts();
  if (!path.ok()) return path.status();
  const absl::Status changed = ChangeContexts(*path, [&](Contexts* contexts) -> absl::Status {
    if (const absl::StatusOr<Context> found = FindContext(*contexts, name_); !none_ && !found.ok()) return found.status();
    contexts->current = name_;
    return absl::OkStatus();
  });
  if (!changed.ok()) return changed;
  printer->Done(none_ ? "no context holds now" : absl::StrCat("context ", name_, " holds now"),
                {.name = name_, .fields = {{"current", none_ ? Json() : Json(name_)}}});
  return absl::OkStatus();
}

absl::Status ContextVerbs::List(const Settings&, Printer* printer) const {
  const absl::StatusOr<Contexts> contexts = ReadContexts(ContextsPath());
  if (!contexts.ok()) return contexts.status();
  std::vector<Record> records;
  for (const auto& [name, context] : contexts->by_name) records.push_back(ContextRecord(name, context, name == contexts->current));
  printer->List("contexts", records, Json::object());
  return absl::OkStatus();
}

absl::Status ContextVerbs::Show(const Settings& settings, Printer* printer) const {
  const absl::StatusOr<Contexts> contexts = ReadContexts(ContextsPath());
  if (!contexts.ok()) return contexts.status();
  const std::string& name = name_.empty() ? settings.context : name_;
  if (name.empty()) return absl::NotFoundError("no context holds; scoutctl context list shows them");
  const absl::StatusOr<Context> context = FindContext(*contexts, name);
  if (!context.ok()) return context.status();
  printer->Item(ContextRecord(name, *context, name == contexts->current));
  return absl::OkStatus();
}

absl::Status ContextVerbs::Delete(const Settings&, Printer* printer) const {
  const absl::StatusOr<std::string> path = PathOfContexts();
  if (!path.ok()) return path.status();
  bool found = false;
  const absl::Status changed = ChangeContexts(*path, [&](Contexts* contexts) {
    found = contexts->by_name.erase(name_) > 0;
    if (contexts->current == name_) contexts->current.clear();
    return absl::OkStatus();
  });
  if (!changed.ok()) return changed;
  printer->Done(found ? absl::StrCat("deleted context ", name_) : absl::StrCat("there is no context ", name_),
                {.name = name_, .fields = {{"name", name_}, {"found", found}}});
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
