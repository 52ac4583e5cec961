#ifndef SCOUTLIGHT_CLI_TRANSACTION_DOCUMENT_H_
#define SCOUTLIGHT_CLI_TRANSACTION_DOCUMENT_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/transaction.h"

namespace scoutlight::cli {

// A transaction as people write it, for `kv txn`:
//
//   {"conditions": [{"key": "/lock", "exists": false},
//                   {"key": "/site", "scope": "subtree", "exists": false},
//                   {"key": "/site/db/host", "value": "10.0.0.7"},
//                   {"key": "/site/db/host", "mod_revision": 17, "is": "less"}],
//    "on_success": [{"put": {"key": "/lock", "value": "me", "lease_id": "7407814432059985318"}},
//                   {"delete": {"key": "/old", "scope": "subtree"}}],
//    "on_failure": [{"get": {"key": "/lock"}}, {"list": {"parent": "/site", "keys_only": true, "limit": 10}}]}
//
// All three may be missing. A condition has a `key` and one of `exists` (then with a `scope`), `value`, `version`, `create_revision`,
// `mod_revision`, `lease_id`; `is` is equal, if it is missing, not_equal, less or greater. A value of bytes has `encoding` "base64" beside
// it. Scopes: key (children for list), children, subtree. A put may have `lease_id`, `if_absent`, `expected_mod_revision`,
// `return_previous`; a delete `scope`, `expected_mod_revision`, `return_previous`. Names of leases may be texts, as 63 bits are more than
// readers of JSON keep. What each means stands at Transact in registry.proto.
//
// kInvalidArgument with every mistake at once, each with its path. Whether keys, values and their number are right the server says, with
// the same paths. Thread-safe.
absl::StatusOr<Transaction> ParseTransaction(absl::string_view text);

// Above what a request may have, whose values may be written with escapes.
inline constexpr size_t kTransactionDocumentBytesMax = 16 << 20;

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TRANSACTION_DOCUMENT_H_
