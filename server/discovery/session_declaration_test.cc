// Declarations of several messages, and which one a state answers: what a session does with them.
#include "server/discovery/session_declaration.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Declaration PartOf(int from, int to, bool more, int64_t number = 0) {
  Declaration part{.more = more, .number = number};
  for (int i = from; i < to; ++i) part.set.push_back({NameOf(i), {{"port", "80"}}});
  return part;
}

Declaration RemovalOf(int from, int to, bool more = false) {
  Declaration part{.more = more};
  for (int i = from; i < to; ++i) part.remove.push_back(NameOf(i));
  return part;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
  return fields;
}

TEST(DeclarationParts, TheWholeComesWithTheLastPartAndSaysWhatAnyOfThemSays) {
  DeclarationParts parts;
  Declaration first = PartOf(0, 2, true, 3);
  first.replace = true;
  EXPECT_EQ(parts.Add(std::move(first)).value(), std::nullopt);
  Declaration second = RemovalOf(5, 6, true);
  second.number = 3;
  second.take_over = true;
  EXPECT_EQ(parts.Add(std::move(second)).value(), std::nullopt);
  const std::optional<Declaration> whole = parts.Add(PartOf(2, 3, false, 4)).value();
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->set.size(), 3u);
  EXPECT_THAT(whole->remove, ElementsAre(NameOf(5)));
  EXPECT_TRUE(whole->replace);
  EXPECT_TRUE(whole->take_over);
  EXPECT_EQ(whole->number, 4);
  const std::optional<Declaration> next = parts.Add(PartOf(0, 1, false, 4)).value();
  ASSERT_TRUE(next.has_value()) << "another declaration may name it again";
  EXPECT_EQ(next->set.size(), 1u);
  EXPECT_FALSE(next->replace);
}

TEST(DeclarationParts, EachInstanceIsNamedOnceInAllOfThem) {
  DeclarationParts parts;
  ASSERT_TRUE(parts.Add(PartOf(0, 2, true)).ok());
  ASSERT_TRUE(parts.Add(RemovalOf(7, 8, true)).ok());
  Declaration again = PartOf(1, 3, false);
  again.remove = {NameOf(9), NameOf(7)};
  EXPECT_THAT(FieldsOf(parts.Add(std::move(again)).status()), ElementsAre("declare.set[0].id", "declare.remove[1].id"));
  EXPECT_TRUE(parts.Add(PartOf(2, 3, false)).value().has_value()) << "an error changes nothing";
}

TEST(DeclarationParts, SoManyInstancesAreInAllOfThem) {
  DeclarationParts parts;
  ASSERT_TRUE(parts.Add(PartOf(0, limits::kSessionInstancesMax - 1, true)).ok());
  EXPECT_THAT(FieldsOf(parts.Add(PartOf(1'000, 1'002, true)).status()), ElementsAre("declare.set"));
  ASSERT_TRUE(parts.Add(PartOf(1'000, 1'001, true)).ok());
  ASSERT_TRUE(parts.Add(RemovalOf(2'000, 2'000 + limits::kSessionInstancesMax, true)).ok());
  const absl::Status refused = parts.Add(RemovalOf(5'000, 5'001)).status();
  EXPECT_THAT(FieldsOf(refused), ElementsAre("declare.remove"));
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("has 1001 instances"));
  EXPECT_TRUE(parts.Add(Declaration()).value().has_value());
}

TEST(DeclarationParts, SoManyBytesOfPropertiesAreInAllOfThem) {
  DeclarationParts parts;
  const std::string value(limits::kPropertyValueBytesMax - 1, 'x');
  const int fit = static_cast<int>(limits::kBytesPerLeaseMax / limits::kPropertyValueBytesMax);
  for (int i = 0; i < fit; ++i) {
    Declaration part{.more = true};
    part.set.push_back({NameOf(i), {{"p", value}}});
    ASSERT_TRUE(parts.Add(std::move(part)).ok()) << i;
  }
  Declaration over;
  over.set.push_back({NameOf(fit), {{"p", ""}}});
  const absl::Status refused = parts.Add(std::move(over)).status();
  EXPECT_THAT(FieldsOf(refused), ElementsAre("declare.set"));
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr(absl::StrCat(limits::kBytesPerLeaseMax + 1, " bytes")));
  Declaration last;
  last.set.push_back({NameOf(fit), {}});
  EXPECT_EQ(parts.Add(std::move(last)).value()->set.size(), static_cast<size_t>(fit) + 1);
}

TEST(DeclarationParts, NumbersDoNotGoBack) {
  DeclarationParts parts;
  const absl::Status negative = parts.Add(PartOf(0, 1, false, -1)).status();
  EXPECT_THAT(FieldsOf(negative), ElementsAre("declare.number"));
  ASSERT_TRUE(parts.Add(PartOf(0, 1, false, 5)).ok());
  ASSERT_TRUE(parts.Add(PartOf(0, 1, true, 5)).ok());
  const absl::Status less = parts.Add(PartOf(1, 2, false, 4)).status();
  EXPECT_THAT(FieldsOf(less), ElementsAre("declare.number"));
  EXPECT_THAT(std::string(less.message()), ::testing::HasSubstr("is 4, must be at least 5"));
  EXPECT_TRUE(parts.Add(PartOf(1, 2, false, 5)).ok());
}

TEST(DeclarationParts, WhatIsDroppedIsNotWanted) {
  DeclarationParts parts;
  Declaration part = PartOf(0, 1, true);
  part.replace = true;
  ASSERT_TRUE(parts.Add(std::move(part)).ok());
  parts.Drop();
  const std::optional<Declaration> whole = parts.Add(PartOf(0, 1, false)).value();
  EXPECT_EQ(whole->set.size(), 1u);
  EXPECT_FALSE(whole->replace);
}

// A session that gets them.
class SessionDeclarationTest : public SessionTest {
 protected:
  absl::Status Declare(Declaration declaration) {
    EXPECT_TRUE(stream_.may_send());
    return stream_.Declare(std::move(declaration));
  }
  // "i0 3": instance and declaration, of what the client was told since.
  static std::vector<std::string> Numbers(ModelStream* stream) {
    std::vector<std::string> told;
    for (const SessionInstance& instance : stream->TakeTold()) told.push_back(absl::StrCat(instance.name.id, " ", instance.declaration));
    return told;
  }
  std::vector<std::string> Numbers() { return Numbers(&stream_); }
};

TEST_F(SessionDeclarationTest, NothingIsDoneBeforeTheLastPart) {
  ASSERT_TRUE(Declare(PartOf(8, 9, false)).ok());
  stream_.LetAll();
  Declaration first = PartOf(0, 2, true, 1);
  first.replace = true;
  ASSERT_TRUE(Declare(std::move(first)).ok());
  stream_.LetAll();
  stream_.Heartbeat();
  stream_.LetAll();
  EXPECT_EQ(stream_.alives(), 1);
  EXPECT_EQ(store_.instances.size(), 1u);
  ASSERT_TRUE(Declare(PartOf(2, 3, false, 1)).ok());
  stream_.LetAll();
  EXPECT_EQ(store_.instances.size(), 3u);
  EXPECT_THAT(Numbers(), UnorderedElementsAre("i8 0", "i8 1", "i0 1", "i1 1", "i2 1"));
}

TEST_F(SessionDeclarationTest, APartWithAFaultIsToldAndNothingIsDone) {
  ASSERT_TRUE(Declare(PartOf(0, 1, true)).ok());
  EXPECT_THAT(FieldsOf(Declare(PartOf(0, 1, false))), ElementsAre("declare.set[0].id"));
  stream_.LetAll();
  EXPECT_THAT(store_.instances, IsEmpty());
}

TEST_F(SessionDeclarationTest, LeavingDropsWhatIsUnfinished) {
  ASSERT_TRUE(Declare(PartOf(0, 1, false)).ok());
  ASSERT_TRUE(Declare(PartOf(1, 2, true)).ok());
  stream_.Leave();
  stream_.LetAll();
  EXPECT_EQ(stream_.left(), 0);
  EXPECT_THAT(store_.instances, IsEmpty());
  EXPECT_EQ(stream_.registrations(), 1);
}

TEST_F(SessionDeclarationTest, APartIsHeardOfWhenTheLeaseHasEnded) {
  ASSERT_TRUE(Declare(PartOf(0, 1, false, 1)).ok());
  stream_.LetAll();
  store_.Expire(stream_.lease_id());
  stream_.LetAll();
  ASSERT_TRUE(Declare(PartOf(1, 2, true, 2)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED", "i0 LOST", "i0 REGISTERED"));
}

TEST_F(SessionDeclarationTest, AStateTellsTheNewestDeclarationThatItAnswers) {
  ASSERT_TRUE(Declare(PartOf(0, 2, false, 1)).ok());
  stream_.Let();  // The first is registered; the answer is on its way.
  Declaration changed = PartOf(0, 1, false, 2);
  changed.set[0].properties = {{"port", "81"}};
  ASSERT_TRUE(Declare(std::move(changed)).ok());
  stream_.LetAll();
  EXPECT_THAT(Numbers(), ElementsAre("i1 1", "i0 2")) << "nobody is told what is not wanted any more";
  ASSERT_TRUE(Declare(PartOf(1, 2, false, 7)).ok());
  stream_.LetAll();
  EXPECT_THAT(Numbers(), ElementsAre("i1 7")) << "declared again as it was";
  Declaration removal = RemovalOf(0, 1);
  removal.number = 8;
  ASSERT_TRUE(Declare(std::move(removal)).ok());
  stream_.LetAll();
  store_.Delete(NameOf(1));
  stream_.LetAll();
  EXPECT_THAT(Numbers(), ElementsAre("i0 8", "i1 7", "i1 7")) << "removed, lost, registered";
}

TEST_F(SessionDeclarationTest, TheFirstDeclarationsNumberIsToldOfWhatTheStreamBeforeHad) {
  ASSERT_TRUE(Declare(PartOf(0, 2, false, 5)).ok());
  stream_.LetAll();
  stream_.Lose();
  ModelStream again(&store_, "a");
  again.LetAll();
  ASSERT_TRUE(again.Declare(PartOf(0, 1, false, 6)).ok());
  again.LetAll();
  EXPECT_THAT(Numbers(&again), UnorderedElementsAre("i0 6", "i1 6"));
}

}  // namespace
}  // namespace scoutlight::server
