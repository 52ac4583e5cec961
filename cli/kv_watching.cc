#include "cli/kv_watching.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/until_stopped.h"
#include "cli/watch_loop.h"
#include "client/watch.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;
using ResetCause = WatchEvent::ResetCause;

std::string CauseName(ResetCause cause) {
  switch (cause) {
    case ResetCause::kAsked:
      return "asked";
    case ResetCause::kMissed:
      return "missed";
    case ResetCause::kReplaced:
      break;
  }
  return "replaced";
}

std::string CauseName(EventCause cause) {
  switch (cause) {
    case EventCause::kWrite:
      return "write";
    case EventCause::kLeaseRevoked:
      return "lease_revoked";
    case EventCause::kLeaseExpired:
      break;
  }
  return "lease_expired";
}

// What both forms of an event begin with.
Record EventRecord(std::string type, Colour colour, Revision revision) {
  return {.name = "", .fields = {{"type", std::move(type), Where::kAlways, std::nullopt, colour}, {"revision", NumberJson(revision)}}};
}

// Shows the events of one watch, on the thread for callbacks.
class WatchedEvents {
 public:
  WatchedEvents(Scope scope, Printer* printer) : scope_(scope), printer_(*printer) {}

  void Show(const WatchEvent& event) {
    switch (event.kind) {
      case WatchEvent::Kind::kReset:
        return ShowReset(event);
      case WatchEvent::Kind::kSnapshot:
        return ShowEntries(event.entries);
      case WatchEvent::Kind::kSnapshotEnd:
        return ShowMark("snapshot_end", event);
      case WatchEvent::Kind::kChanges:
        return ShowChanges(event);
      case WatchEvent::Kind::kStarted:
      case WatchEvent::Kind::kProgress:
        return;
    }
  }

 private:
  void ShowReset(const WatchEvent& event) {
    if (event.cause == ResetCause::kMissed) printer_.Note("some changes are compacted away: what follows is the state as it is now");
    if (event.cause == ResetCause::kReplaced) printer_.Note("this is another store now: what follows is its state");
    Record record = EventRecord("reset", Colour::kYellow, 0);
    record.fields.push_back({"cause", CauseName(event.cause)});
    // Of one that was asked for nobody must be told in words.
    if (event.cause == ResetCause::kAsked) {
      for (Field& field : record.fields) field.where = Where::kJson;
    }
    ShowRecord(std::move(record), event);
  }

  // Something that is of use to programs alone.
  void ShowMark(const std::string& type, const WatchEvent& event) {
    Record record = EventRecord(type, Colour::kNone, event.revision);
    for (Field& field : record.fields) field.where = Where::kJson;
    ShowRecord(std::move(record), event);
  }

  void ShowRecord(Record record, const WatchEvent& event) {
    if (!event.store_id.empty()) record.fields.push_back({"store_id", event.store_id, Where::kJson});
    printer_.Event(record);
  }

  void ShowEntries(const std::vector<Entry>& entries) {
    std::vector<Record> records;
    for (const Entry& entry : entries) records.push_back(PutRecord("snapshot", Colour::kDim, entry));
    printer_.Events(records);
  }

  void ShowChanges(const WatchEvent& event) {
    std::vector<Record> records;
    for (const Event& change : event.events) records.push_back(ChangeRecord(change, event));
    printer_.Events(records);
  }

  Record PutRecord(const std::string& type, Colour colour, const Entry& entry) const {
    Record record = EventRecord(type, colour, entry.mod_revision);
    record.name = entry.key.path();
    // Of a single key everybody knows which.
    record.fields.push_back({"key", entry.key.path(), scope_ == Scope::kKey ? Where::kWide : Where::kAlways});
    record.fields.push_back({"create_revision", entry.create_revision, Where::kJson});
    record.fields.push_back({"version", entry.version, Where::kJson});
    record.fields.push_back({"lease_id", LeaseJson(entry.lease_id), Where::kJson});
    Append(ValueFields(entry.value), &record);
    return record;
  }

  Record ChangeRecord(const Event& change, const WatchEvent& event) const {
    Record record;
    if (change.kind == EventKind::kPut) {
      record = PutRecord("put", Colour::kGreen, change.entry);
    } else {
      record = EventRecord("delete", Colour::kRed, event.revision);
      record.name = change.key.path();
      record.fields.push_back({"key", change.key.path(), scope_ == Scope::kKey ? Where::kWide : Where::kAlways});
      const std::string why = change.cause == EventCause::kWrite ? "" : absl::StrCat("(", CauseName(change.cause), ")");
      record.fields.push_back({"cause", CauseName(change.cause), Where::kAlways, why});
    }
    record.fields.push_back({"committed", absl::FormatTime(absl::RFC3339_full, event.committed, absl::UTCTimeZone()), Where::kJson});
    return record;
  }

  const Scope scope_;
  Printer& printer_;
};

}  // namespace

KvWatching::KvWatching(CLI::App* kv, Verb* chosen) {
  CLI::App* const watch = kv->add_subcommand("watch", "show what happens to a key, or around it, until Ctrl-C");
  watch->add_option("KEY", key_, "such as /office")->required()->type_name("");
  AddChoice<Scope>(watch, "--scope", &scope_, {{"key", Scope::kKey}, {"children", Scope::kChildren}, {"subtree", Scope::kSubtree}},
                   "what around the key is meant [key]");
  watch->add_flag("--snapshot", snapshot_, "first the state as it is");
  AddRevision(watch, "--from", &from_, "from this revision on; default: what comes");
  watch->add_option("--store-id", store_id_, "the store that --from belongs to")->type_name("ID");
  SetExample(watch, "scoutctl kv watch /office --scope subtree --snapshot");
  ChooseOnServer(watch, this, &KvWatching::Watch, chosen);
}

absl::Status KvWatching::Watch(const Call& call) const {
  const absl::StatusOr<std::unique_ptr<UntilStopped>> made = UntilStopped::Create();
  if (!made.ok()) return made.status();
  UntilStopped& until = **made;
  std::atomic<bool> begun = false;
  WatchedEvents shown(scope_, &call.printer);
  const auto on_event = [&](const WatchEvent& event) {
    begun.store(true, std::memory_order_relaxed);
    shown.Show(event);
    if (absl::Status unread = call.printer.status(); !unread.ok()) until.End(unread);
  };
  const scoutlight::Watch watch(call.connection, key_,
                                {.scope = scope_, .snapshot = snapshot_, .start_revision = from_.value_or(0), .store_id = store_id_},
                                on_event, [&until](const absl::Status& why) { until.End(StripFields(why, "create.watch.")); });
  return RunWatch(
      &until, begun, call.settings.timeout, [&watch] { return watch.trouble(); }, &call.printer);
}

}  // namespace scoutlight::cli
