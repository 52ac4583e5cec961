#include "cli/kv_reading.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/meant_name.h"

namespace scoutlight::cli {
namespace {

// What is shown at once is held in memory: entries, and bytes of keys and values.
constexpr size_t kListedMax = 100'000;
constexpr size_t kListedBytesMax = 256 << 20;

absl::Status TooLong() {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the list has more than ", kListedMax, " entries, or ", kListedBytesMax >> 20,
                                " MiB of them: ask for a part of it, or for the keys alone"),
                   {.reason = Reason::kListTooLarge});
}

constexpr char kRevisionHelp[] = "the state to read; default: the latest";

}  // namespace

KvReading::KvReading(CLI::App* kv, Verb* chosen) {
  CLI::App* const get = kv->add_subcommand("get", "print the value of a key");
  get->add_option("KEY", key_, "such as /office/host")->required()->type_name("");
  get->add_flag("--raw", raw_, "the bytes of the value and nothing else, whatever the output form");
  AddRevision(get, "--revision", &revision_, kRevisionHelp);
  SetExample(get, "scoutctl kv get /office/printers/laser/host");
  ChooseOnServer(get, this, &KvReading::Get, chosen);

  CLI::App* const list = kv->add_subcommand("list", "list what lies below a key");
  list->add_option("PARENT", key_, "such as /office; / is the root")->type_name("");
  list->add_flag("-r,--recursive", recursive_, "the key itself and all below it, not the children alone");
  list->add_flag("--keys-only", keys_only_, "without values");
  AddChoice<ListOrder>(list, "--order", &order_, {{"key", ListOrder::kKey}, {"creation", ListOrder::kCreation}}, "what comes first [key]");
  AddRevision(list, "--revision", &revision_, kRevisionHelp);
  SetExample(list, "scoutctl kv list /office --recursive");
  ChooseOnServer(list, this, &KvReading::List, chosen);

  CLI::App* const tree = kv->add_subcommand("tree", "draw what lies at and below a key as a tree");
  tree->add_option("KEY", key_, "default: /, the root")->type_name("");
  tree->add_flag("--keys-only", keys_only_, "without values");
  AddRevision(tree, "--revision", &revision_, kRevisionHelp);
  SetExample(tree, "scoutctl kv tree /office");
  ChooseOnServer(tree, this, &KvReading::Tree, chosen);
}

absl::Status KvReading::Get(const Call& call) const {
  const Revision revision = revision_.value_or(0);
  const absl::StatusOr<GetResult> result = Registry(call.connection).Get(key_, {.revision = revision});
  if (!result.ok()) return WithMeantKey(result.status(), key_, revision, call.connection);
  if (raw_) {
    call.printer.Raw(result->entry.value.bytes);
    return absl::OkStatus();
  }
  Record record = EntryRecord(result->entry);
  record.fields.push_back({"store_id", result->state.store_id, Field::Where::kJson});
  call.printer.ValueOf(record, result->entry.value);
  return absl::OkStatus();
}

absl::StatusOr<ListResult> KvReading::Read(const Call& call, const ListOptions& options) const {
  const Registry registry(call.connection);
  if (keys_only_) return registry.List(key_, options);
  ListResult result;
  size_t bytes = 0;
  bool too_long = false;
  absl::StatusOr<StoreState> state = registry.ForEach(
      key_,
      [&](Entry entry) {
        bytes += EntryBytes(entry);
        too_long = result.entries.size() >= kListedMax || bytes > kListedBytesMax;
        if (!too_long) result.entries.push_back(std::move(entry));
        return !too_long;
      },
      options);
  if (!state.ok()) return state.status();
  if (too_long) return TooLong();
  result.state = *std::move(state);
  return result;
}

absl::Status KvReading::List(const Call& call) const {
  const absl::StatusOr<ListResult> result =
      Read(call, {.scope = recursive_ ? Scope::kSubtree : Scope::kChildren, .order = order_, .revision = revision_.value_or(0)});
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const Entry& entry : result->entries) records.push_back(EntryRecord(entry, keys_only_ ? Values::kLeftOut : Values::kShown));
  call.printer.List("entries", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::Status KvReading::Tree(const Call& call) const {
  const absl::StatusOr<Key> root = Key::Parse(key_);
  if (!root.ok()) return root.status();
  const absl::StatusOr<ListResult> result = Read(call, {.scope = Scope::kSubtree, .revision = revision_.value_or(0)});
  if (!result.ok()) return result.status();
  TreeNode tree = TreeOf(*root, result->entries, keys_only_ ? Values::kLeftOut : Values::kShown);
  Append(StateFields(result->state), &tree.record);
  call.printer.Tree(tree);
  if (result->entries.empty()) call.printer.Note("nothing there");
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
