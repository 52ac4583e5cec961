// Changes of instances whose services are bound to another schema, before and meanwhile.
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/layout.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registrar_fixture.h"
#include "server/discovery/schema_editor.h"
#include "storage/testing/await.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using discovery::Properties;
using storage::K;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// After its service was bound to another schema: from, and to. Their keys lie apart, within each other, one is the other's, or all are.
struct Rebinding {
  const char* from;
  const char* to;
};

class RegistrarRebindingTest : public RegistrarTest, public ::testing::WithParamInterface<Rebinding> {
 protected:
  // The entries of kName with `properties` under schema `to`, alone.
  std::vector<std::string> Laid(const Properties& properties) const {
    std::vector<std::string> entries;
    for (const discovery::KeyValue& entry : feed_->catalog()->claims()->FindSchema(GetParam().to)->layout.Encode(kName, properties)) {
      entries.push_back(absl::StrCat(entry.key.path(), "=", entry.value.bytes));
    }
    return entries;
  }
};

// Whatever is done to an instance takes its keys of before along.
TEST_P(RegistrarRebindingTest, NothingStaysWhereItWas) {
  PutSchemas();
  const Properties before = {{"port", "80"}, {"zone", "x"}};
  Registration taking = Of("b", {{"port", "81"}});
  taking.take_over = true;
  Registration for_good = Of("a", {{"port", "81"}});
  for_good.ttl.reset();
  const struct {
    const char* what;
    std::function<ChangedInstance()> change;
    Properties after;  // Empty: it is gone.
  } cases[] = {
      {"Deregister", [this] { return Deregister(); }, {}},
      {"Register",
       [this] {
         return Register(Of("a", {{"port", "81"}}));
       },
       {{"port", "81"}}},
      {"Register just so", [this, &before] { return Register(Of("a", before)); }, before},
      {"Register for good", [this, &for_good] { return Register(for_good); }, {{"port", "81"}}},
      {"Register by another", [this, &taking] { return Register(taking); }, {{"port", "81"}}},
      {"Update",
       [this] {
         return Change({.name = kName, .set = {{"zone", "y"}}});
       },
       {{"port", "80"}, {"zone", "y"}}},
      {"Update that says what is there", [this, &before] { return Change({.name = kName, .set = before}); }, before},
      {"Update that says nothing", [this] { return Change({.name = kName}); }, before},
      {"Update that removes", [this] { return Change({.name = kName, .remove = {"zone"}}); }, {{"port", "80"}}},
      {"Update that replaces",
       [this] {
         return Change({.name = kName, .set = {{"zone", "y"}}, .replace = true});
       },
       {{"zone", "y"}}},
  };
  for (const auto& [what, change, after] : cases) {
    SCOPED_TRACE(what);
    Bind("s", GetParam().from);
    ASSERT_TRUE(Register(Of("a", before)).status.ok());
    Bind("s", GetParam().to);
    const discovery::InstancePtr left_behind = feed_->catalog()->FindInstance(kName);
    ASSERT_NE(left_behind, nullptr);
    EXPECT_FALSE(left_behind->resolvable());
    const ChangedInstance changed = change();
    ASSERT_TRUE(changed.status.ok()) << changed.status;
    EXPECT_EQ(Entries(), after.empty() ? std::vector<std::string>() : Laid(after));
    if (!after.empty()) {
      EXPECT_EQ(changed.instance->properties, after);
      EXPECT_TRUE(changed.instance->resolvable());
      EXPECT_THAT(changed.instance->problems, IsEmpty());
      ASSERT_TRUE(Deregister().status.ok());
    }
    Bind("s", GetParam().from);
    EXPECT_EQ(feed_->catalog()->FindInstance(kName), nullptr) << "it does not come back";
    EXPECT_THAT(Entries(), IsEmpty());
    EXPECT_TRUE(LeasesCome(0));
  }
}

INSTANTIATE_TEST_SUITE_P(All, RegistrarRebindingTest,
                         ::testing::Values(Rebinding{"devices", "printers"}, Rebinding{"printers", "devices"},
                                           Rebinding{"devices", "boxes"}, Rebinding{"boxes", "devices"}, Rebinding{"members", "printers"},
                                           Rebinding{"printers", "members"}, Rebinding{"service", "members"},
                                           Rebinding{"devices", "instruments"}));

// `members` keeps instances where `printers` would keep the properties of one that is called members.
TEST_F(RegistrarTest, WhatAnotherInstanceHasByNowIsNotLeft) {
  const InstanceName members{"c", "s", "members"};
  Registration named_so = Of("a", {{"port", "80"}});
  named_so.name = members;
  ASSERT_TRUE(Register(named_so).status.ok());
  Bind("s", "members");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  ASSERT_TRUE(Ask(&Registrar::Deregister, Deregistration{.name = members}).status.ok());
  EXPECT_EQ(Shown(), "80") << "kName is at /c/services/s/members/i";
  // The other way round: a property that a registered instance has there is its own.
  Bind("s", "printers");
  named_so.properties = {{"i", "mine"}};
  ASSERT_TRUE(Register(named_so).status.ok());
  ASSERT_TRUE(Deregister().status.ok());
  EXPECT_EQ(sync_.Get(K("/c/services/s/members/i"))->value.bytes, "mine");
}

TEST_F(RegistrarTest, ChangesThatWouldLoseWhatIsLeftAreRefused) {
  PutSchemas();
  Bind("s", "devices");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  // By hand, beside what was registered.
  sync_.Commit(storage::TransactionOf({storage::PutOperation{.key = K("/c/devices/s/i/cert"), .value = {Value::Form::kData, "\xff"}}}));
  Bind("s", "printers");
  std::vector<std::string> everything = Everything();
  ChangedInstance refused = Change({.name = kName, .set = {{"port", "81"}}});
  EXPECT_EQ(ReasonOf(refused.status), Reason::kInvalidField);
  EXPECT_EQ(DetailsOf(refused.status)->violations.front().field, "replace");
  EXPECT_EQ(Everything(), everything);
  raced_.FailReads(absl::DataLossError("gone"));
  EXPECT_TRUE(absl::IsDataLoss(Register(Of("a")).status));
  EXPECT_TRUE(absl::IsDataLoss(Change({.name = kName, .set = kPort, .replace = true}).status));
  EXPECT_TRUE(absl::IsDataLoss(Deregister().status));
  EXPECT_EQ(Everything(), everything);
  raced_.FailReads(absl::OkStatus());
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "81"}}, .replace = true}).status.ok());
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=81"));
}

TEST_F(RegistrarTest, WhatIsLeftIsBoundedAndMayChangeMeanwhile) {
  PutSchemas();
  Bind("s", "devices");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const auto extra = [](int i) { return K(absl::StrCat("/c/devices/s/i/extra", i)); };
  for (int i = 0; i < limits::kOperationsMax; ++i) sync_.Put(extra(i), "x");
  Bind("s", "printers");
  const std::vector<std::string> everything = Everything();
  const ChangedInstance refused = Deregister();
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused.status), Reason::kTransactionTooLarge);
  EXPECT_EQ(Everything(), everything);
  // What remains, the record and the present schema's range fill a transaction.
  for (int i = 0; i < 3; ++i) sync_.Delete(extra(i));
  raced_.BeforeCommits(1, [&] { sync_.Put(extra(3), "y"); });
  EXPECT_TRUE(Deregister().status.ok());
  EXPECT_THAT(Entries(), IsEmpty());
}

// While a change is on its way, its service is bound to another schema, and the one that it was made for is deleted.
struct ReboundMeanwhile {
  const char* what;
  discovery::Binding before;  // To devices.
  discovery::Binding after;   // Without schema: the one before goes.
};

class RegistrarReboundMeanwhileTest : public RegistrarTest, public ::testing::WithParamInterface<ReboundMeanwhile> {
 protected:
  SchemaChange Edit(const std::function<void(SchemaEditor*, SchemaEditor::Done)>& edit) {
    Mutex mu;
    CondVar changed;
    std::optional<SchemaChange> answer;
    edit(&editor_, [&](SchemaChange change) {
      MutexLock lock(&mu);
      answer = std::move(change);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    EXPECT_TRUE(answer->status.ok()) << answer->status;
    return *std::move(answer);
  }
  void BindWith(const discovery::Binding& binding) {
    Edit([&binding](SchemaEditor* editor, SchemaEditor::Done done) { editor->Bind(binding, Operator(), std::move(done)); });
  }
  // As an operator does it, through the RPCs' editor, which lets a schema go that nobody uses.
  void BindAwayAndDelete() {
    BindWith(GetParam().after);
    Edit([](SchemaEditor* editor, SchemaEditor::Done done) { editor->Delete("devices", Operator(), std::move(done)); });
  }

  static storage::Origin Operator() { return {.connection = 1, .memory = storage::Memory::kChange}; }

  ReaderPool readers_{1, 1};
  SchemaEditor editor_{store_.get(), feed_.get(), &readers_};
};

TEST_P(RegistrarReboundMeanwhileTest, NoKeysStayUnderASchemaThatIsGone) {
  for (const bool updates : {false, true}) {
    SCOPED_TRACE(updates ? "Update" : "Register");
    PutSchemas();
    ClaimsCome(sync_.Latest());
    // An Update finds one that lies under the schema of after.
    if (updates) {
      ASSERT_TRUE(Register(Of("a")).status.ok());
    }
    BindWith(GetParam().before);
    const int before = raced_.commits();
    raced_.BeforeCommits(1, [this] { BindAwayAndDelete(); });
    const ChangedInstance changed = updates ? Change({.name = kName, .set = kPort}) : Register(Of("a"));
    ASSERT_TRUE(changed.status.ok()) << changed.status;
    // The Update then finds that all is as it says.
    EXPECT_EQ(raced_.commits() - before, updates ? 1 : 2);
    EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
    EXPECT_TRUE(feed_->catalog()->FindInstance(kName)->resolvable());
    ASSERT_TRUE(Deregister().status.ok());
    EXPECT_THAT(Entries(), IsEmpty());
    EXPECT_TRUE(LeasesCome(0));
  }
}

INSTANTIATE_TEST_SUITE_P(All, RegistrarReboundMeanwhileTest,
                         ::testing::Values(ReboundMeanwhile{"bound to another", {"c", "s", "devices"}, {"c", "s", "printers"}},
                                           ReboundMeanwhile{"bound to none in particular", {"c", "s", "devices"}, {"c", "s", ""}},
                                           ReboundMeanwhile{"all of its cluster", {"c", "*", "devices"}, {"c", "*", "printers"}},
                                           ReboundMeanwhile{"all of its name", {"*", "s", "devices"}, {"*", "s", ""}},
                                           ReboundMeanwhile{"all", {"*", "*", "devices"}, {"*", "*", "printers"}}),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param.what, {{" ", "_"}});
                         });

// The catalog that the registrar has read is still the one before, and stays so for a while.
TEST_F(RegistrarTest, ARegistrationWaitsForABindingThatIsNotInForceYet) {
  PutSchemas();
  Bind("s", "devices");
  feed_store_.HoldReads();
  sync_.Put(discovery::BindingKey("c", "s"), "printers");
  const int before = raced_.commits();
  ChangedInstance registered;
  std::thread registering([this, &registered] { registered = Register(Of("a")); });
  EXPECT_TRUE(storage::AwaitCondition([&] { return raced_.commits() - before == 1; }));
  EXPECT_EQ(Shown(), "none");
  feed_store_.LetReads();
  registering.join();
  ASSERT_TRUE(registered.status.ok()) << registered.status;
  EXPECT_EQ(raced_.commits() - before, 2);
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
}

// A more specific binding comes to decide, and an unrelated one does not matter.
TEST_F(RegistrarTest, OnlyBindingsThatDecideHoldARegistrationUp) {
  PutSchemas();
  Bind("*", "devices");
  raced_.BeforeCommits(1, [this] { Bind("s", "boxes"); });
  int before = raced_.commits();
  ASSERT_TRUE(Register(Of("a")).status.ok());
  EXPECT_EQ(raced_.commits() - before, 2);
  EXPECT_THAT(Entries(), ::testing::ElementsAre(HasSubstr("/c/boxes/s/i=")));
  raced_.BeforeCommits(1, [this] {
    Bind("*", "printers");
    Bind("other", "devices");
  });
  before = raced_.commits();
  ASSERT_TRUE(Register(Of("a", {{"port", "81"}})).status.ok());
  EXPECT_EQ(raced_.commits() - before, 1);
}

// Another server, whose catalog is newer, has moved the instance to a schema that this one does not know yet.
TEST_F(RegistrarTest, WhatIsLeftUnderASchemaThatIsNotKnownYetIsWaitedFor) {
  feed_store_.HoldReads();
  PutSchemas();
  sync_.Put(K("/c/devices/s/i/port"), "80");
  const Revision recorded =
      sync_.Put(discovery::InstanceRecordKey(kName), discovery::EncodeInstanceRecord({.schema = "devices", .registered_at = clock_.Now()}))
          .revision;
  EXPECT_TRUE(storage::AwaitCondition([&] { return feed_->catalog()->revision() >= recorded; }));
  const int before = raced_.commits();
  ChangedInstance gone;
  std::thread deregistering([this, &gone] { gone = Deregister(); });
  EXPECT_TRUE(storage::AwaitCondition([&] { return raced_.commits() - before == 1; }));
  feed_store_.LetReads();
  deregistering.join();
  EXPECT_TRUE(gone.status.ok()) << gone.status;
  EXPECT_FALSE(gone.unchanged);
  EXPECT_THAT(Entries(), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::server
