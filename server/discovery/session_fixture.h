#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FIXTURE_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/names.h"
#include "gtest/gtest.h"
#include "server/discovery/session_model.h"

namespace scoutlight::server {

inline discovery::InstanceName NameOf(int i) { return {"c", "s", absl::StrCat("i", i)}; }

inline Declaration Declared(int from, int to) {
  Declaration declaration;
  for (int i = from; i < to; ++i) declaration.set.push_back({NameOf(i), {{"port", "80"}}});
  return declaration;
}

// A stream of a session, and those that a test makes beside it.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    store_.changed = [this](const discovery::InstanceName& name) {
      for (ModelStream* stream : streams_) stream->ChangeCame(name);
    };
    Listen(&stream_);
    stream_.LetAll();
  }

  void TearDown() override { EXPECT_EQ(store_.violation, ""); }

  void Listen(ModelStream* stream) { streams_.push_back(stream); }
  void Register(int instances = 1) {
    ASSERT_TRUE(stream_.Declare(Declared(0, instances)).ok());
    stream_.LetAll();
  }
  // "i0 REGISTERED", for what the client was told since.
  static std::vector<std::string> Told(ModelStream* stream) {
    constexpr const char* kStates[] = {"", "REGISTERED", "REFUSED", "FENCED", "LOST", "REMOVED"};
    std::vector<std::string> told;
    for (const SessionInstance& instance : stream->TakeTold()) {
      told.push_back(absl::StrCat(instance.name.id, " ", kStates[static_cast<int>(instance.state)]));
    }
    return told;
  }
  std::vector<std::string> Told() { return Told(&stream_); }
  void Heartbeat() {
    ASSERT_TRUE(stream_.may_send());
    stream_.Heartbeat();
    stream_.LetAll();
  }

  ModelStore store_;
  std::vector<ModelStream*> streams_;
  ModelStream stream_{&store_, "a"};
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_FIXTURE_H_
