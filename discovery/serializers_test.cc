// What every serializer must do, and what each makes of values that others wrote.
#include "discovery/serializers.h"

#include <google/protobuf/struct.pb.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/layout.h"
#include "discovery/protobuf_serializer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const InstanceName kName = {"c", "s", "i"};

Layout L(absl::string_view pattern, absl::string_view serializer) { return Layout::Create(pattern, serializer).value(); }
Layout TextLayout() { return L("/{cluster}/service/{service}/{instance}[/{property}]", "text"); }
Layout JsonLayout() { return L("/{cluster}/services/{service}/members/{instance}", "json"); }
Layout ProtobufLayout() { return L("/x/{service}/{cluster}/{instance}", "protobuf"); }

// Random properties: names and values of all kinds of characters, of all lengths up to their bounds, few and many.
class RandomProperties {
 public:
  explicit RandomProperties(uint64_t seed) : random_(seed) {}

  Properties Next() {
    Properties properties;
    const int count = Below(20) == 0 ? limits::kPropertiesMax : static_cast<int>(Below(12));
    for (int i = 0; i < count; ++i) {
      std::string name = Text(1 + Below(12), Kind::kName);
      if (!PropertyNameFault(name).empty()) continue;
      properties[std::move(name)] = Text(Below(30) == 0 ? Below(400) : Below(24), Kind::kValue);
    }
    return properties;
  }

  InstanceName NextName() { return {Text(1 + Below(9), Kind::kName), Text(1 + Below(9), Kind::kName), Text(1 + Below(9), Kind::kName)}; }

 private:
  enum class Kind { kName, kValue };

  uint64_t Below(uint64_t n) { return random_() % n; }

  std::string Text(uint64_t characters, Kind kind) {
    static const char* const kCharacters[] = {
        "a", "Z", "7", ".", "-", "_", " ", "\"", "\\", "{", "}", "%", ":", "\xC3\xA9", "\xF0\x9F\x96\xA8", "\xE2\x82\xAC"};
    static const char* const kOnlyInValues[] = {"/", "\n", "\t", "\x01", "\x7F"};
    std::string text;
    for (uint64_t i = 0; i < characters; ++i) {
      if (kind == Kind::kValue && Below(6) == 0) {
        text += Below(8) == 0 ? std::string(1, '\0') : kOnlyInValues[Below(std::size(kOnlyInValues))];
      } else {
        text += kCharacters[Below(std::size(kCharacters))];
      }
    }
    return text;
  }

  std::mt19937_64 random_;
};

uint64_t Seed() {
  const char* const text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  return seed;
}

// The pieces of entries, as who follows the store makes them.
std::vector<Piece> Pieces(const Layout& layout, const InstanceName& name, const std::vector<KeyValue>& entries) {
  std::vector<Piece> pieces;
  for (const KeyValue& entry : entries) {
    const std::optional<KeyReading> reading = layout.pattern().Read(KeySegments(entry.key));
    EXPECT_TRUE(reading.has_value()) << entry.key.path();
    if (!reading.has_value()) continue;
    EXPECT_EQ(reading->cluster, name.cluster);
    EXPECT_EQ(reading->service, name.service);
    EXPECT_EQ(reading->instance, name.id);
    pieces.push_back({reading->property.has_value() ? std::optional<std::string>(*reading->property) : std::nullopt, entry.value});
  }
  return pieces;
}

TEST(Serializers, ObjectsBecomeEntriesAndBackExactly) {
  const uint64_t seed = Seed();
  RandomProperties random(seed);
  for (int round = 0; round < 2000; ++round) {
    const Properties properties = random.Next();
    const InstanceName name = random.NextName();
    if (!CheckInstance(name, properties).empty()) continue;
    for (const Layout& layout :
         {TextLayout(), L("/{cluster}/services/{service}/{instance}/{property}", "text"), JsonLayout(), ProtobufLayout()}) {
      const std::vector<KeyValue> entries = layout.Encode(name, properties);
      const DecodedProperties decoded = layout.Decode(Pieces(layout, name, entries));
      ASSERT_EQ(decoded.properties, properties) << layout.pattern().text() << " SCOUTLIGHT_SEED=" << seed << " round " << round;
      ASSERT_THAT(decoded.problems, IsEmpty()) << layout.pattern().text() << " SCOUTLIGHT_SEED=" << seed << " round " << round;
      ASSERT_EQ(layout.Encode(name, decoded.properties), entries) << "SCOUTLIGHT_SEED=" << seed << " round " << round;
      for (const KeyValue& entry : entries) ASSERT_LE(entry.value.bytes.size(), limits::kValueBytesMax);
    }
  }
}

TEST(Serializers, LargestInstanceFitsIntoAValueOfEachLayout) {
  Properties properties;
  for (int i = 0; i < 4; ++i) properties[absl::StrCat(i)] = std::string(limits::kPropertyValueBytesMax - 1, '\x01');
  ASSERT_THAT(CheckInstance(kName, properties), IsEmpty());
  for (const Layout& layout : {TextLayout(), JsonLayout(), ProtobufLayout()}) {
    for (const KeyValue& entry : layout.Encode(kName, properties)) EXPECT_LE(entry.value.bytes.size(), limits::kValueBytesMax);
  }
}

TEST(Serializers, AreFoundByName) {
  for (const Serializer* serializer : AllSerializers()) EXPECT_EQ(FindSerializer(serializer->name()), serializer);
  EXPECT_EQ(FindSerializer("xml"), nullptr);
}

TEST(Serializers, InstanceWithoutPropertiesKeepsItsOwnKeyWhereThereIsOne) {
  EXPECT_THAT(TextLayout().Encode(kName, {}), ElementsAre(KeyValue{Key::Parse("/c/service/s/i").value(), {}}));
  EXPECT_THAT(L("/{cluster}/services/{service}/{instance}/{property}", "text").Encode(kName, {}), IsEmpty());
  EXPECT_THAT(JsonLayout().Encode(kName, {}),
              ElementsAre(KeyValue{Key::Parse("/c/services/s/members/i").value(), {Value::Form::kText, "{}"}}));
}

DecodedProperties FromJson(std::string text) { return JsonLayout().Decode({Piece{std::nullopt, {Value::Form::kText, std::move(text)}}}); }

TEST(JsonSerializer, ReadsWhatOthersWrite) {
  const DecodedProperties read =
      FromJson(R"( {"port": 8001, "load": 0.50, "tls": true, "n": -3, "big": 18446744073709551615, "s": "\u00e9"} )");
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_EQ(
      read.properties,
      (Properties{{"big", "18446744073709551615"}, {"load", "0.50"}, {"n", "-3"}, {"port", "8001"}, {"s", "\xC3\xA9"}, {"tls", "true"}}));
}

TEST(JsonSerializer, BadMembersHideNoOthers) {
  const DecodedProperties read = FromJson(R"({"a":null,"b":{"x":{"y":1}},"c":[1,{"z":2}],"d":"1","d":"2","":"e","x/y":"1","port":1})");
  EXPECT_EQ(read.properties, (Properties{{"d", "1"}, {"port", "1"}}));
  EXPECT_THAT(read.problems, SizeIs(6));
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_THAT(read.problems, Contains(Field(&Problem::property, name)));
  EXPECT_THAT(read.problems, Contains(Field(&Problem::message, HasSubstr("\"x/y\" whose name has a slash"))));
}

TEST(JsonSerializer, WhatIsNoObjectIsOneProblem) {
  for (const std::string& text :
       {std::string(), std::string("{\"a\":\"1\""), std::string("{\"a\":\"1\"} x"), std::string("\"text\""), std::string("[]"),
        std::string("7"), std::string("null"), std::string("{\"a\":\"\xFF\"}"), std::string(100'000, '['), std::string("{\"a\":1e999}")}) {
    const DecodedProperties read = FromJson(text);
    EXPECT_THAT(read.properties, IsEmpty()) << text.substr(0, 20);
    EXPECT_THAT(read.problems, ElementsAre(Field(&Problem::property, ""))) << text.substr(0, 20);
  }
}

TEST(ProtobufSerializer, ReadsWhatOthersWriteAndBadFieldsHideNoOthers) {
  google::protobuf::Struct message;
  auto& fields = *message.mutable_fields();
  fields["port"].set_number_value(8001);
  fields["load"].set_number_value(0.5);
  fields["tls"].set_bool_value(false);
  fields["gone"].set_null_value({});
  fields["empty"];
  fields["list"].mutable_list_value();
  const DecodedProperties read = ProtobufLayout().Decode({Piece{std::nullopt, {Value::Form::kData, message.SerializeAsString()}}});
  EXPECT_EQ(read.properties, (Properties{{"load", "0.5"}, {"port", "8001"}, {"tls", "false"}}));
  EXPECT_THAT(read.problems,
              ElementsAre(Field(&Problem::property, "empty"), Field(&Problem::property, "gone"), Field(&Problem::property, "list")));

  const DecodedProperties garbage = ProtobufLayout().Decode({Piece{std::nullopt, {Value::Form::kData, "\xFF\xFF"}}});
  EXPECT_THAT(garbage.problems, ElementsAre(Problem{"", "has a value that is no google.protobuf.Struct"}));
}

TEST(ProtobufSerializer, OfTooManyProblemsTheFirstByNameAreTold) {
  google::protobuf::Struct message;
  std::vector<std::string> names;
  for (int i = 0; i < limits::kProblemsPerInstanceMax + 50; ++i) {
    const std::string name = absl::StrCat("p", 1000 + i);
    (*message.mutable_fields())[name].set_null_value({});
    if (i < limits::kProblemsPerInstanceMax) names.push_back(name);
  }
  // The serializer's own answer, which nobody has sorted yet.
  const DecodedProperties read = ProtobufSerializer().Decode({Piece{std::nullopt, {Value::Form::kData, message.SerializeAsString()}}});
  std::vector<std::string> told;
  for (const Problem& problem : read.problems) told.push_back(problem.property);
  EXPECT_EQ(told, names);
}

TEST(TextSerializer, ReadsDataThatIsTextAndNamesWhatIsNot) {
  const DecodedProperties read = TextLayout().Decode({Piece{"a", {Value::Form::kData, "text"}}, Piece{"b", {Value::Form::kData, "\xFF"}},
                                                      Piece{std::nullopt, {Value::Form::kText, "stray"}}});
  EXPECT_EQ(read.properties, (Properties{{"a", "text"}}));
  EXPECT_THAT(read.problems, ElementsAre(Field(&Problem::property, ""), Problem{"b", "is not valid UTF-8 at byte 0"}));
}

TEST(Layout, WhatIsOverTheBoundsOfAnInstanceIsLeftOut) {
  std::vector<Piece> pieces;
  for (int i = 0; i < limits::kPropertiesMax + 100; ++i) pieces.push_back({absl::StrCat("p", 1000 + i), {}});
  DecodedProperties read = TextLayout().Decode(pieces);
  EXPECT_THAT(read.properties, SizeIs(limits::kPropertiesMax));
  EXPECT_THAT(read.problems, SizeIs(limits::kProblemsPerInstanceMax));

  pieces.clear();
  for (int i = 0; i < 5; ++i)
    pieces.push_back({absl::StrCat(i), {Value::Form::kText, std::string(limits::kPropertyValueBytesMax - 1, 'v')}});
  pieces.push_back({"long", {Value::Form::kText, std::string(limits::kPropertyValueBytesMax + 1, 'v')}});
  read = TextLayout().Decode(pieces);
  EXPECT_THAT(read.properties, SizeIs(4));
  EXPECT_THAT(read.problems, ElementsAre(Field(&Problem::property, "4"), Field(&Problem::property, "long")));
}

TEST(Layout, WhatTheRulesDefineStaysHoweverManyOthersThereAre) {
  PropertyRules rules;
  for (const char* name : {"hostname", "port", "wrong"}) rules.definitions[name] = {};
  std::vector<Piece> pieces;
  for (int i = 0; i < limits::kPropertiesMax; ++i) pieces.push_back({absl::StrCat(1000 + i), {}});
  for (const char* name : {"hostname", "port"}) pieces.push_back({name, {Value::Form::kText, "80"}});
  pieces.push_back({"wrong", {Value::Form::kText, "\xFF"}});
  const DecodedProperties read = TextLayout().Decode(pieces, rules);
  EXPECT_THAT(read.properties, SizeIs(limits::kPropertiesMax));
  EXPECT_TRUE(read.properties.contains("hostname"));
  EXPECT_TRUE(read.properties.contains("port"));
  EXPECT_TRUE(read.properties.contains(absl::StrCat(1000 + limits::kPropertiesMax - 3)));
  EXPECT_THAT(read.problems,
              ElementsAre(Field(&Problem::property, absl::StrCat(1000 + limits::kPropertiesMax - 2)),
                          Field(&Problem::property, absl::StrCat(1000 + limits::kPropertiesMax - 1)), Field(&Problem::property, "wrong")));
}

TEST(Layout, WhatTheRulesDefineStaysHoweverLongOthersAre) {
  PropertyRules rules;
  rules.definitions["port"] = {};
  std::vector<Piece> pieces;
  for (int i = 0; i < 4; ++i)
    pieces.push_back({absl::StrCat(i), {Value::Form::kText, std::string(limits::kPropertyValueBytesMax - 1, 'v')}});
  pieces.push_back({"port", {Value::Form::kText, "80"}});
  const DecodedProperties read = TextLayout().Decode(pieces, rules);
  EXPECT_TRUE(read.properties.contains("port"));
  EXPECT_THAT(read.problems, ElementsAre(Field(&Problem::property, "3")));
}

// The bound that whoever keeps values may cut them at.
TEST(Layout, ValueOverItsBoundIsWrongWhateverIsInIt) {
  google::protobuf::Struct message;
  (*message.mutable_fields())["port"].set_string_value("80");
  const size_t whole = ProtobufLayout().value_bytes_max();
  EXPECT_EQ(whole, limits::kValueBytesMax);
  EXPECT_EQ(TextLayout().value_bytes_max(), limits::kPropertyValueBytesMax);
  const std::string json = R"({"port": "80"})";
  // The last of its equal fields holds, however often it is there.
  const std::string field = message.SerializeAsString();
  std::string large = field;
  while (large.size() <= whole) large += field;
  for (const size_t size : {whole, whole + 1}) {
    const DecodedProperties read = FromJson(json + std::string(size - json.size(), ' '));
    EXPECT_EQ(read.unreadable, size > whole);
    EXPECT_EQ(read.properties.size(), size > whole ? 0u : 1u);
  }
  const DecodedProperties read = ProtobufLayout().Decode({Piece{std::nullopt, {Value::Form::kData, large}}});
  EXPECT_TRUE(read.unreadable);
  EXPECT_THAT(read.problems, ElementsAre(Problem{"", "has a value of over 1048576 bytes"}));
  EXPECT_FALSE(ProtobufLayout().Decode({Piece{std::nullopt, {Value::Form::kData, large.substr(field.size())}}}).unreadable);
}

TEST(Layout, MistakesAreAllNamed) {
  const auto fields = [](absl::string_view pattern, absl::string_view serializer) {
    const absl::StatusOr<Layout> layout = Layout::Create(pattern, serializer);
    std::string names;
    if (layout.ok()) return names;
    const std::optional<ErrorDetails> details = DetailsOf(layout.status());
    for (const FieldViolation& violation : details->violations) absl::StrAppend(&names, violation.field, " ");
    return names;
  };
  EXPECT_EQ(fields("/{cluster}/{service}/{instance}", "json"), "");
  EXPECT_EQ(fields("/{cluster}/{service}/{instance}", "text"), "serializer ");
  EXPECT_EQ(fields("/{cluster}/{service}/{instance}[/{property}]", "json"), "serializer ");
  EXPECT_EQ(fields("/{cluster}", "xml"), "pattern serializer ");
}

}  // namespace
}  // namespace scoutlight::discovery
