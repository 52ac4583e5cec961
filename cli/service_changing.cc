#include "cli/service_changing.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/instance_records.h"
#include "cli/property_arguments.h"
#include "client/discovery.h"
#include "client/registrations.h"

namespace scoutlight::cli {
namespace {

void AddInstance(CLI::App* verb, std::string* service, std::string* id) {
  verb->add_option("SERVICE", *service, "its name")->required()->type_name("");
  verb->add_option("ID", *id, "of the instance")->required()->type_name("");
}

}  // namespace

ServiceChanging::ServiceChanging(CLI::App* service, Verb* chosen) {
  CLI::App* const update = service->add_subcommand("update", "set and remove properties of an instance, all at once");
  AddInstance(update, &service_, &id_);
  update->add_option("NAME=VALUE", properties_, "properties to set, such as zone=north")->type_name("");
  update->add_option("--remove", removed_, "a property to remove; may be repeated")->allow_extra_args(false)->take_all()->type_name("NAME");
  update->add_flag("--replace", replace_, "the properties named are all that it has from now on");
  SetExample(update, "scoutctl service update Printer laser zone=north --remove note");
  ChooseOnServer(update, this, &ServiceChanging::Update, chosen);

  CLI::App* const overrides = service->add_subcommand("override", "take instances out of work, whatever their owners say");
  overrides->require_subcommand(1);
  overrides->footer("scoutctl service override VERB --help explains a verb.");
  CLI::App* const put = overrides->add_subcommand("put", "take an instance out of work, whether or not it is registered now");
  AddInstance(put, &service_, &id_);
  put->add_option("--reason", reason_, "why, for others to read")->required()->type_name("TEXT");
  AddDuration(put, "--for", &lasts_, "so long [until it is deleted]");
  SetExample(put, "scoutctl service override put Printer laser --reason 'paper jam' --for 2h");
  ChooseOnServer(put, this, &ServiceChanging::PutOverride, chosen);

  CLI::App* const list = overrides->add_subcommand("list", "list what is taken out of work");
  list->add_option("SERVICE", service_, "its name; default: all of all clusters")->type_name("");
  SetExample(list, "scoutctl service override list Printer");
  ChooseOnServer(list, this, &ServiceChanging::ListOverrides, chosen);

  CLI::App* const remove = overrides->add_subcommand("delete", "let an instance work again");
  AddInstance(remove, &service_, &id_);
  SetExample(remove, "scoutctl service override delete Printer laser");
  ChooseOnServer(remove, this, &ServiceChanging::DeleteOverride, chosen);
}

discovery::InstanceName ServiceChanging::NameIn(const Call& call) const { return {call.settings.cluster, service_, id_}; }

absl::Status ServiceChanging::Update(const Call& call) const {
  absl::StatusOr<discovery::Properties> set = ReadProperties("NAME=VALUE", properties_);
  if (!set.ok()) return set.status();
  if (set->empty() && removed_.empty() && !replace_) {
    return InvalidField(Reason::kInvalidField, "NAME=VALUE", "is missing, and --remove too");
  }
  const absl::StatusOr<UpdateResult> result =
      Registrations(call.connection).Update(NameIn(call), {.set = *std::move(set), .remove = removed_, .replace = replace_});
  if (!result.ok()) return result.status();
  Record record = InstanceRecord(result->instance);
  Append(StateFields(result->state), &record);
  call.printer.Done(absl::StrCat("updated ", ShownName(result->instance.name), " at revision ", result->state.revision), record);
  return absl::OkStatus();
}

absl::Status ServiceChanging::PutOverride(const Call& call) const {
  const discovery::InstanceName name = NameIn(call);
  const absl::StatusOr<PutOverrideResult> result = Registrations(call.connection).PutOverride(name, reason_, lasts_);
  if (!result.ok()) return result.status();
  Record record{.name = id_, .fields = NameFields(name)};
  if (result->override.has_value()) Append(OverrideFields(*result->override), &record);
  Append(StateFields(result->state), &record);
  call.printer.Done(
      absl::StrCat("took ", ShownName(name), " out of work", lasts_.has_value() ? absl::StrCat(" for ", absl::FormatDuration(*lasts_)) : "",
                   " at revision ", result->state.revision),
      record);
  return absl::OkStatus();
}

absl::Status ServiceChanging::ListOverrides(const Call& call) const {
  const discovery::ServiceName service =
      service_.empty() ? discovery::ServiceName{} : discovery::ServiceName{call.settings.cluster, service_};
  const absl::StatusOr<ListOverridesResult> result = Discovery(call.connection).ListOverrides(service);
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const ListedOverride& listed : result->overrides) {
    Record record{.name = listed.name.id, .fields = {{"instance", {}, Field::Where::kAlways, ShownName(listed.name)}}};
    Append(NameFields(listed.name), &record);
    Append(OverrideFields(listed.override), &record);
    records.push_back(std::move(record));
  }
  call.printer.List("overrides", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::Status ServiceChanging::DeleteOverride(const Call& call) const {
  const discovery::InstanceName name = NameIn(call);
  const absl::StatusOr<DeleteOverrideResult> result = Registrations(call.connection).DeleteOverride(name);
  if (!result.ok()) return result.status();
  Record record{.name = id_, .fields = NameFields(name)};
  record.fields.push_back({"found", result->found, Field::Where::kJson});
  Append(StateFields(result->state), &record);
  call.printer.Done(result->found ? absl::StrCat(ShownName(name), " may work again, from revision ", result->state.revision)
                                  : absl::StrCat(ShownName(name), " was not taken out of work"),
                    record);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
