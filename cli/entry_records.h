#ifndef SCOUTLIGHT_CLI_ENTRY_RECORDS_H_
#define SCOUTLIGHT_CLI_ENTRY_RECORDS_H_

#include <cstdint>
#include <vector>

#include "base/entry.h"
#include "cli/record.h"
#include "client/store_state.h"

// What the verbs of `kv` show of entries. Thread-safe.
namespace scoutlight::cli {

enum class Values { kShown, kLeftOut };

// `key`, `mod_revision`, `create_revision`, `version`, `lease_id`, `value` (bytes that are no UTF-8 in base64, with `encoding`),
// `has_children`. Of a branch without value only the key and that it is one.
Record EntryRecord(const Entry& entry, Values values = Values::kShown);

// The value as members of JSON: `value`, and `encoding` if that is not the text itself.
std::vector<Field> ValueFields(const Value& value);

// A revision, or a number of versions; 0: there is none.
Json NumberJson(int64_t number);

// Names of leases are numbers of 63 bits, which readers of JSON (jq) round: text.
Json LeaseJson(LeaseId lease_id);

// `revision` and `store_id`.
Json StateJson(const StoreState& state);
// The same, in JSON alone.
std::vector<Field> StateFields(const StoreState& state);

// The tree of `entries`, which lie at or below `root`, in key order; nodes without an entry are drawn too.
TreeNode TreeOf(const Key& root, const std::vector<Entry>& entries, Values values);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_ENTRY_RECORDS_H_
