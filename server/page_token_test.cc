#include "server/page_token.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

constexpr uint64_t kQueryHash = 0x1234567890abcdef;
const StoreId kStoreId = "00112233445566778899aabbccddeeff";

PageToken TokenAt(absl::string_view path) { return {kStoreId, 42, kQueryHash, {Key::Parse(path).value(), 7}}; }

TEST(PageToken, ComesBackAsItWas) {
  const absl::StatusOr<PageToken> token = DecodePageToken(EncodePageToken(TokenAt("/a/b")), kQueryHash, kStoreId);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->revision, 42);
  EXPECT_EQ(token->position.key.path(), "/a/b");
  EXPECT_EQ(token->position.create_revision, 7);
}

TEST(PageToken, OfTheLongestKeyFitsItsLimit) {
  std::string path;
  while (path.size() < limits::kKeyBytesMax) path += "/" + std::string(limits::kKeyBytesMax / 2 - 1, 'x');
  const std::string text = EncodePageToken(TokenAt(path));
  EXPECT_LE(text.size(), limits::kPageTokenBytesMax);
  EXPECT_TRUE(DecodePageToken(text, kQueryHash, kStoreId).ok());
}

TEST(PageToken, EveryChangedCharacterIsNoticed) {
  const std::string text = EncodePageToken(TokenAt("/a/b"));
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : std::string("AZaz09-_=+ \n")) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      const absl::StatusOr<PageToken> token = DecodePageToken(changed, kQueryHash, kStoreId);
      ASSERT_FALSE(token.ok()) << i;
      EXPECT_EQ(ReasonOf(token.status()), Reason::kInvalidPageToken);
    }
  }
}

TEST(PageToken, EveryCutOrLengtheningIsNoticed) {
  const std::string text = EncodePageToken(TokenAt("/a/b"));
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(DecodePageToken(text.substr(0, length), kQueryHash, kStoreId).ok()) << length;
  }
  for (const char* more : {"A", "AAAA", "=", " ", "\n"}) EXPECT_FALSE(DecodePageToken(text + more, kQueryHash, kStoreId).ok());
  EXPECT_FALSE(DecodePageToken(std::string(limits::kPageTokenBytesMax + 1, 'A'), kQueryHash, kStoreId).ok());
}

TEST(PageToken, OfAnotherQueryIsRefused) {
  const absl::Status refused = DecodePageToken(EncodePageToken(TokenAt("/a")), kQueryHash + 1, kStoreId).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidPageToken);
  EXPECT_EQ(DetailsOf(refused)->violations.front().field, "page_token");
}

TEST(PageToken, OfAnotherStoreSaysThatTheStoreWasReplaced) {
  const absl::Status refused = DecodePageToken(EncodePageToken(TokenAt("/a")), kQueryHash, "ffffffffffffffffffffffffffffffff").status();
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidPageToken);
  EXPECT_NE(refused.message().find("replaced"), absl::string_view::npos);
}

}  // namespace
}  // namespace scoutlight::server
