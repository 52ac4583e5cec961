#include "discovery/key_pattern.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kPrinters = "/{cluster}/services/{service}/{instance}/{property}";
constexpr absl::string_view kService = "/{cluster}/service/{service}/{instance}[/{property}]";
constexpr absl::string_view kMembers = "/{cluster}/services/{service}/members/{instance}";

KeyPattern P(absl::string_view text) {
  absl::StatusOr<KeyPattern> pattern = KeyPattern::Parse(text);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  return *pattern;
}

Key K(absl::string_view path) { return Key::Parse(path).value(); }

// "cluster service instance property", "-" for no property, "no": not read.
std::string ReadAs(const KeyPattern& pattern, absl::string_view path) {
  const Key key = K(path);
  const std::optional<KeyReading> reading = pattern.Read(KeySegments(key));
  if (!reading.has_value()) return "no";
  return absl::StrCat(reading->cluster, " ", reading->service, " ", reading->instance, " ", reading->property.value_or("-"));
}

TEST(KeyPattern, KeysAreReadAsOneInstanceOrNotAtAll) {
  const std::string longest(limits::kNameBytesMax, 'n');
  const struct {
    absl::string_view pattern;
    std::string key;
    std::string reading;
  } cases[] = {
      {kPrinters, "/clusterA/services/Printer/640da/hostname", "clusterA Printer 640da hostname"},
      {kPrinters, "/clusterA/services/Printer/640da", "no"},
      {kPrinters, "/clusterA/services/Printer/640da/hostname/x", "no"},
      {kPrinters, "/clusterA/service/Printer/640da/hostname", "no"},
      {kPrinters, "/.scoutlight/services/Printer/640da/hostname", "no"},
      {kPrinters, "/*/services/Printer/640da/hostname", "no"},
      {kPrinters, "/c/services/*/640da/hostname", "no"},
      {kPrinters, absl::StrCat("/c/services/s/", longest, "/p"), absl::StrCat("c s ", longest, " p")},
      {kPrinters, absl::StrCat("/c/services/s/", longest, "x/p"), "no"},
      {kPrinters, absl::StrCat("/c/services/s/i/", std::string(limits::kPropertyNameBytesMax + 1, 'p')), "no"},
      {kService, "/c/service/s/i", "c s i -"},
      {kService, "/c/service/s/i/p", "c s i p"},
      {kService, "/c/service/s", "no"},
      {kMembers, "/c/services/s/members/i", "c s i -"},
      {kMembers, "/c/services/s/other/i", "no"},
      {"/{instance}/{service}/{cluster}", "/i/s/c", "c s i -"},
      {"/{instance}/{service}/{cluster}", "/.scoutlight/s/c", "no"},
      {"/{instance}/{service}/{cluster}", "/", "no"},
  };
  for (const auto& c : cases) EXPECT_EQ(ReadAs(P(c.pattern), c.key), c.reading) << c.pattern << " " << c.key;
}

TEST(KeyPattern, KeysOfNamesAreReadBack) {
  const InstanceName name = {"c", "s", "i"};
  for (const absl::string_view text : {kPrinters, kService, absl::string_view("/x/{instance}/{cluster}/y/{service}/{property}")}) {
    const KeyPattern pattern = P(text);
    EXPECT_EQ(ReadAs(pattern, pattern.PropertyKey(name, "p").path()), "c s i p");
    EXPECT_TRUE(pattern.ServiceRange({"c", "s"}).Contains(pattern.PropertyKey(name, "p")));
  }
  EXPECT_EQ(P(kPrinters).InstanceKey(name).path(), "/c/services/s/i");
  EXPECT_EQ(ReadAs(P(kMembers), P(kMembers).InstanceKey(name).path()), "c s i -");
  EXPECT_EQ(P(kPrinters).ServiceRange({"c", "s"}).key.path(), "/c/services/s");
  EXPECT_EQ(P(kMembers).ServiceRange({"c", "s"}).key.path(), "/c/services/s/members");
  EXPECT_TRUE(P("/{instance}/{service}/{cluster}").ServiceRange({"c", "s"}).key.is_root());
}

TEST(KeyPattern, LongestNamesMakeValidKeys) {
  const std::string name(limits::kNameBytesMax, 'n');
  std::string text = "/{cluster}/{service}/{instance}/{property}";
  text.insert(0, "/" + std::string(limits::kKeyPatternBytesMax - text.size() - 1 - 60, 'l') + "/" + std::string(59, 'l'));
  ASSERT_EQ(text.size(), limits::kKeyPatternBytesMax);
  const Key key = P(text).PropertyKey({name, name, name}, std::string(limits::kPropertyNameBytesMax, 'p'));
  EXPECT_LE(key.path().size(), limits::kKeyBytesMax);
  EXPECT_FALSE(KeyPattern::Parse("/l" + text).ok());
}

TEST(KeyPattern, MistakesSayWhatIsWrong) {
  std::string deep = "/{cluster}/{service}/{instance}";
  for (int i = 0; i < limits::kKeySegmentsMax - 3; ++i) deep += "/x";
  EXPECT_TRUE(KeyPattern::Parse(deep).ok());
  const struct {
    std::string text;
    std::string says;
  } cases[] = {
      {"", "slash"},
      {"{cluster}/{service}/{instance}", "slash"},
      {"/{property}", "slash and a segment"},
      {"/{cluster}/{service}", "no {instance}"},
      {"/{cluster}/{instance}", "no {service}"},
      {"/{service}/{instance}", "no {cluster}"},
      {"/{cluster}/{cluster}/{service}/{instance}", "{cluster} twice"},
      {"/{cluster}/{service}/{property}/{instance}", "at the end"},
      {"/{cluster}/{service}/{property}/{property}", "at the end"},
      {"/{cluster}/{service}/{instance}/[{property}]", "neither"},
      {"/{cluster}/{service}/{instance}/{port}", "neither"},
      {"/{cluster}/{service}/x{instance}", "neither"},
      {"/{cluster}//{service}/{instance}", "number 2, that is empty"},
      {"/{cluster}/../{service}/{instance}", "no segment"},
      {"/{cluster}/{service}/{instance}/", "empty"},
      {"/.scoutlight/{cluster}/{service}/{instance}", "system tree"},
      {deep + "/x", "33 segments, at most 32"},
      {deep + "/{property}", "33 segments, at most 32"},
      {"/" + std::string(limits::kKeyPatternBytesMax, 'x'), "257 bytes long, at most 256"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<KeyPattern> pattern = KeyPattern::Parse(c.text);
    ASSERT_EQ(pattern.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(pattern.status().message()), HasSubstr(c.says)) << c.text;
  }
}

TEST(KeyPattern, AmbiguousPatternsAreFoundWithAKeyThatBothReadDifferently) {
  const struct {
    std::string a;
    std::string b;
    bool ambiguous;
  } cases[] = {
      {std::string(kPrinters), std::string(kPrinters), false},
      {std::string(kService), std::string(kService), false},
      {std::string(kPrinters), std::string(kService), false},
      {std::string(kPrinters), std::string(kMembers), false},  // One service in each key: the binding decides.
      {std::string(kPrinters), "/{service}/services/{cluster}/{instance}/{property}", true},
      {std::string(kPrinters), "/{service}/{cluster}/{instance}/a/b", true},
      {std::string(kPrinters), "/{service}/x/{cluster}/{instance}/b", false},
      {std::string(kPrinters), "/apps/{cluster}/{service}/{instance}[/{property}]", true},
      {std::string(kPrinters), "/apps/{cluster}/{service}/{instance}", false},  // Another depth.
      {"/{cluster}/{service}/{instance}[/{property}]", "/{service}/{cluster}/{instance}/x", true},
      {"/a/{cluster}/{service}/{instance}", "/b/{service}/{cluster}/{instance}", false},
  };
  for (const auto& c : cases) {
    const KeyPattern a = P(c.a);
    const KeyPattern b = P(c.b);
    const std::optional<std::string> example = KeyPattern::FindAmbiguity(a, b);
    ASSERT_EQ(example.has_value(), c.ambiguous) << c.a << " " << c.b;
    ASSERT_EQ(KeyPattern::FindAmbiguity(b, a).has_value(), c.ambiguous) << c.a << " " << c.b;
    if (c.ambiguous) {
      EXPECT_NE(ReadAs(a, *example), "no") << *example;
      EXPECT_NE(ReadAs(b, *example), "no") << *example;
    }
  }
}

}  // namespace
}  // namespace scoutlight::discovery
