#include "server/page_token.h"

#include <cstddef>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"

namespace scoutlight::server {
namespace {

constexpr char kVersion = 1;
constexpr size_t kNumberBytes = 8;

void AppendNumber(std::string* out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(number >> shift & 0xff));
}

uint64_t TakeNumber(absl::string_view* in) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | static_cast<unsigned char>((*in)[i]);
  in->remove_prefix(kNumberBytes);
  return number;
}

// The body of a token whose checksum is right.
std::optional<std::string> CheckedBody(absl::string_view text) {
  std::string bytes;
  if (text.size() > limits::kPageTokenBytesMax || !absl::WebSafeBase64Unescape(text, &bytes)) return std::nullopt;
  // Base64 has several texts for one sequence of bytes; only ours is a token.
  if (absl::WebSafeBase64Escape(bytes) != text || bytes.size() < kNumberBytes) return std::nullopt;
  const size_t body_bytes = bytes.size() - kNumberBytes;
  absl::string_view checksum = absl::string_view(bytes).substr(body_bytes);
  if (TakeNumber(&checksum) != StableHash().Add(absl::string_view(bytes).substr(0, body_bytes)).value()) return std::nullopt;
  bytes.resize(body_bytes);
  return bytes;
}

std::optional<PageToken> DecodeBody(absl::string_view body) {
  if (body.size() < 2 + 3 * kNumberBytes || body[0] != kVersion) return std::nullopt;
  body.remove_prefix(1);
  PageToken token;
  token.query_hash = TakeNumber(&body);
  token.revision = static_cast<Revision>(TakeNumber(&body));
  token.position.create_revision = static_cast<Revision>(TakeNumber(&body));
  const size_t store_id_bytes = static_cast<unsigned char>(body[0]);
  body.remove_prefix(1);
  if (body.size() < store_id_bytes || token.revision <= 0 || token.position.create_revision < 0) return std::nullopt;
  token.store_id = std::string(body.substr(0, store_id_bytes));
  absl::StatusOr<Key> key = Key::FromNormal(body.substr(store_id_bytes));
  if (!key.ok()) return std::nullopt;
  token.position.key = *std::move(key);
  return token;
}

absl::Status Refusal(absl::string_view description) { return InvalidField(Reason::kInvalidPageToken, "page_token", description); }

}  // namespace

std::string EncodePageToken(const PageToken& token) {
  std::string bytes(1, kVersion);
  AppendNumber(&bytes, token.query_hash);
  AppendNumber(&bytes, static_cast<uint64_t>(token.revision));
  AppendNumber(&bytes, static_cast<uint64_t>(token.position.create_revision));
  bytes.push_back(static_cast<char>(token.store_id.size()));
  absl::StrAppend(&bytes, token.store_id, token.position.key.path());
  AppendNumber(&bytes, StableHash().Add(bytes).value());
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<PageToken> DecodePageToken(absl::string_view text, uint64_t query_hash, const StoreId& store_id) {
  const std::optional<std::string> body = CheckedBody(text);
  std::optional<PageToken> token;
  if (body.has_value()) token = DecodeBody(*body);
  if (!token.has_value()) return Refusal("no token that this registry gave out, or damaged");
  if (token->store_id != store_id) {
    return Refusal(absl::StrCat("the token is of store ", token->store_id, ", which was replaced by ", store_id, "; list from the start"));
  }
  if (token->query_hash != query_hash) return Refusal("the token belongs to another list: all fields but page_size must be as they were");
  return *std::move(token);
}

}  // namespace scoutlight::server
