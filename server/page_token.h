#ifndef SCOUTLIGHT_SERVER_PAGE_TOKEN_H_
#define SCOUTLIGHT_SERVER_PAGE_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "storage/store.h"

namespace scoutlight::server {

// Where a list goes on: everything the server needs to know, so that it keeps nothing and tokens survive its restart.
struct PageToken {
  StoreId store_id;
  Revision revision = 0;       // Of the first page, and so of all.
  uint64_t query_hash = 0;     // Of what was asked for.
  storage::Position position;  // The last entry shown.
};

// Opaque text of at most limits::kPageTokenBytesMax bytes, fit for URLs:
//   base64url(body, be64 StableHash(body)), body = 0x01, be64 query_hash, be64 revision, be64 create_revision,
//                                                  length byte, store_id, path
std::string EncodePageToken(const PageToken& token);

// Reads a token that belongs to the query and store named. kInvalidArgument with Reason::kInvalidPageToken on the field "page_token":
// damaged, made for another query, or by another store.
absl::StatusOr<PageToken> DecodePageToken(absl::string_view text, uint64_t query_hash, const StoreId& store_id);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_PAGE_TOKEN_H_
