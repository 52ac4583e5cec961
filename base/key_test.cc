#include "base/key.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/hash/hash.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using ::testing::HasSubstr;

Key K(absl::string_view path) {
  absl::StatusOr<Key> key = Key::Parse(path);
  EXPECT_TRUE(key.ok()) << key.status();
  return key.ok() ? *key : Key();
}

std::string Segments(int count) {
  std::string path;
  for (int i = 0; i < count; ++i) path += "/s";
  return path;
}

TEST(Key, ParseNormalizesALeadingAndOneTrailingSlashAndNothingElse) {
  EXPECT_EQ(K("/a/b").path(), "/a/b");
  EXPECT_EQ(K("a/b").path(), "/a/b");
  EXPECT_EQ(K("/a/b/").path(), "/a/b");
  EXPECT_EQ(K("a").path(), "/a");
  EXPECT_EQ(K("/").path(), "/");
  EXPECT_TRUE(K("/").is_root());
  EXPECT_EQ(K("/A/ b%2F\xC3\xA9").path(), "/A/ b%2F\xC3\xA9");  // Case, blanks, escapes and letters stay.
  EXPECT_EQ(K("/.../..a/.b").path(), "/.../..a/.b");
}

TEST(Key, ParseRefusesWithReasonFieldAndWhatIsWrong) {
  const struct {
    std::string text;
    std::string says;
  } cases[] = {
      {"", "is empty"},
      {"//", "empty segment at byte 1"},
      {"//a", "empty segment at byte 1"},
      {"/a//b", "empty segment at byte 3"},
      {"/a//", "empty segment"},
      {"/.", "segment \".\""},
      {"/a/./b", "segment \".\" at byte 3"},
      {"/a/..", "segment \"..\" at byte 3"},
      {"..", "segment \"..\""},
      {std::string("/a\0b", 4), "control character at byte 2"},
      {"/a\nb", "control character at byte 2"},
      {"/a\x7F", "control character at byte 2"},
      {"/a\xC2\x85", "control character at byte 2"},
      {"/a\xFF", "not valid UTF-8 at byte 2"},
      {"/\xC0\xAF", "not valid UTF-8 at byte 1"},
      {Segments(limits::kKeySegmentsMax + 1), "33 segments, at most 32"},
      {"/" + std::string(limits::kKeyBytesMax, 'x'), "1025 bytes long, at most 1024"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Key> key = Key::Parse(c.text, "put.key");
    ASSERT_FALSE(key.ok()) << c.text;
    EXPECT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
    const std::optional<ErrorDetails> details = DetailsOf(key.status());
    ASSERT_TRUE(details.has_value());
    EXPECT_EQ(details->reason, Reason::kInvalidKey);
    ASSERT_EQ(details->violations.size(), 1u);
    EXPECT_EQ(details->violations[0].field, "put.key");
    EXPECT_THAT(details->violations[0].description, HasSubstr(c.says));
    EXPECT_FALSE(std::any_of(key.status().message().begin(), key.status().message().end(), [](unsigned char b) { return b < 0x20; }))
        << "messages hold no control characters";
  }
}

TEST(Key, BoundsAreInclusiveAndCountedOnTheNormalPath) {
  EXPECT_TRUE(Key::Parse(Segments(limits::kKeySegmentsMax)).ok());
  const std::string longest = "/" + std::string(limits::kKeyBytesMax - 1, 'x');
  EXPECT_TRUE(Key::Parse(longest).ok());
  EXPECT_TRUE(Key::Parse(longest + "/").ok()) << "the trailing slash does not count";
  EXPECT_FALSE(Key::Parse(std::string(limits::kKeyBytesMax, 'x')).ok()) << "the missing leading slash counts";
}

TEST(Key, FromNormalTakesNormalFormOnly) {
  for (const char* path : {"/", "/a", "/a/b"}) {
    const absl::StatusOr<Key> key = Key::FromNormal(path);
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(key->path(), path);
  }
  for (const char* path : {"", "a", "/a/", "//", "/a//b", "/.."}) EXPECT_FALSE(Key::FromNormal(path).ok()) << path;
}

TEST(Key, NameAndParent) {
  EXPECT_EQ(K("/a/bc").name(), "bc");
  EXPECT_EQ(K("/").name(), "");
  EXPECT_EQ(K("/a/bc").Parent(), K("/a"));
  EXPECT_EQ(K("/a").Parent(), K("/"));
  EXPECT_EQ(K("/").Parent(), K("/"));
}

TEST(Key, IsWithinGoesBySegments) {
  EXPECT_TRUE(K("/parent").IsWithin(K("/parent")));
  EXPECT_TRUE(K("/parent/a/b").IsWithin(K("/parent")));
  EXPECT_FALSE(K("/parentA").IsWithin(K("/parent")));
  EXPECT_FALSE(K("/parent").IsWithin(K("/parent/a")));
  EXPECT_TRUE(K("/parent").IsWithin(Key()));
  EXPECT_TRUE(Key().IsWithin(Key()));
  EXPECT_FALSE(Key().IsWithin(K("/a")));
}

TEST(Key, SystemTreeIsItsRootAndBelow) {
  EXPECT_TRUE(K("/.scoutlight").IsSystem());
  EXPECT_TRUE(K("/.scoutlight/x").IsSystem());
  EXPECT_FALSE(K("/.scoutlights").IsSystem());
  EXPECT_FALSE(K("/a/.scoutlight").IsSystem());
  EXPECT_FALSE(Key().IsSystem());
}

TEST(Key, OrderIsDepthFirstEvenWithBytesBelowTheSlash) {
  // In plain byte order "/a!" and "/a.b" would stand between "/a" and "/a/...".
  const std::vector<std::string> ordered = {"/",    "/ ",  "/a",    "/a/ ", "/a/b", "/a/b/c", "/a/b!",
                                            "/a/c", "/a!", "/a!/x", "/a.b", "/a0",  "/b"};
  std::vector<Key> keys;
  for (const std::string& path : ordered) keys.push_back(K(path));
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t j = 0; j < keys.size(); ++j) EXPECT_EQ(keys[i] < keys[j], i < j) << ordered[i] << " and " << ordered[j];
  }
}

TEST(Key, BytesAbove127SortBehindASCII) {
  EXPECT_TRUE(K("/z") < K("/\xC3\xA9"));
  EXPECT_FALSE(K("/\xC3\xA9") < K("/z"));
}

TEST(Key, EqualKeysHashAlike) { EXPECT_EQ(absl::Hash<Key>()(K("/a/b")), absl::Hash<Key>()(K("a/b/"))); }

TEST(KeyRange, ContainsByScope) {
  const KeyRange key{K("/p"), Scope::kKey};
  const KeyRange children{K("/p"), Scope::kChildren};
  const KeyRange subtree{K("/p"), Scope::kSubtree};
  const struct {
    const char* path;
    bool in_key, in_children, in_subtree;
  } cases[] = {
      {"/p", true, false, true},    {"/p/a", false, true, true}, {"/p/a/b", false, false, true},
      {"/pA", false, false, false}, {"/", false, false, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(key.Contains(K(c.path)), c.in_key) << c.path;
    EXPECT_EQ(children.Contains(K(c.path)), c.in_children) << c.path;
    EXPECT_EQ(subtree.Contains(K(c.path)), c.in_subtree) << c.path;
  }
  EXPECT_FALSE((KeyRange{Key(), Scope::kChildren}).Contains(Key())) << "the root is no child of itself";
  EXPECT_TRUE((KeyRange{Key(), Scope::kChildren}).Contains(K("/p")));
}

TEST(KeyRange, OverlapsWhenAndOnlyWhenSomeKeyLiesInBoth) {
  // Ranges around keys of at most two segments: whatever two of them share, they share among keys of at most three.
  std::vector<Key> keys = {Key()};
  for (const std::string a : {"/a", "/b"}) {
    keys.push_back(K(a));
    for (const std::string b : {"/a", "/b"}) {
      keys.push_back(K(a + b));
      for (const std::string c : {"/a", "/b"}) keys.push_back(K(a + b + c));
    }
  }
  std::vector<KeyRange> ranges;
  for (const Key& key : keys) {
    if (std::count(key.path().begin(), key.path().end(), '/') > 2) continue;
    for (const Scope scope : {Scope::kKey, Scope::kChildren, Scope::kSubtree}) ranges.push_back({key, scope});
  }
  for (const KeyRange& x : ranges) {
    for (const KeyRange& y : ranges) {
      const bool shared = std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return x.Contains(key) && y.Contains(key); });
      EXPECT_EQ(x.Overlaps(y), shared) << x.key.path() << " scope " << static_cast<int>(x.scope) << ", " << y.key.path() << " scope "
                                       << static_cast<int>(y.scope);
    }
  }
}

}  // namespace
}  // namespace scoutlight
