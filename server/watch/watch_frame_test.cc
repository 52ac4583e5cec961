#include "server/watch/watch_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;

constexpr size_t kBytesMax = 4'000;

Batch BatchOf(Revision revision, int events, size_t value_bytes) {
  Batch batch;
  batch.revision = revision;
  batch.committed = absl::FromUnixNanos(1'700'000'000'000'000'007);
  for (int i = 0; i < events; ++i) {
    Event event;
    event.key = event.entry.key = storage::K(absl::StrCat("/a/", i));
    event.entry.value.bytes = std::string(value_bytes, 'x');
    event.entry.mod_revision = revision;
    event.entry.has_value = true;
    batch.events.push_back(event);
  }
  return batch;
}

Matches AllOf(const Batch& batch) {
  Matches matches{.batch = &batch, .events = {}};
  for (uint32_t i = 0; i < batch.events.size(); ++i) matches.events.push_back(i);
  return matches;
}

ChangesForm Form() { return {.store_id = "00112233445566778899aabbccddeeff", .previous = Previous::kLeftOut, .bytes_max = kBytesMax}; }

wire::WatchResponse Parse(const FrameBytes& bytes) {
  wire::WatchResponse frame;
  EXPECT_TRUE(frame.ParseFromString(*bytes));
  EXPECT_LE(bytes->size(), kBytesMax);
  return frame;
}

TEST(WatchFrame, NothingThatMatchesIsNoFrameButGoesOn) {
  const ChangesFrame built = BuildChanges({}, {5, 0}, 9, Form());
  EXPECT_EQ(built.bytes, nullptr);
  EXPECT_EQ(built.next, (Cursor{10, 0}));
}

TEST(WatchFrame, EndsBeforeATransactionThatDoesNotFit) {
  const Batch first = BatchOf(5, 2, 800);
  const Batch second = BatchOf(6, 3, 800);
  const ChangesFrame built = BuildChanges({AllOf(first), AllOf(second)}, {5, 0}, 9, Form());
  const wire::WatchResponse frame = Parse(built.bytes);
  EXPECT_EQ(frame.events_size(), 2);
  EXPECT_EQ(frame.revision(), 5);
  EXPECT_FALSE(frame.fragment());
  EXPECT_EQ(built.next, (Cursor{6, 0}));
  EXPECT_EQ(frame.events(0).commit_time().seconds(), 1'700'000'000);
  EXPECT_EQ(frame.events(0).commit_time().nanos(), 7);
}

TEST(WatchFrame, TransactionTooLargeAloneIsCutAndTakenUpAgain) {
  const Batch batch = BatchOf(5, 10, 800);
  Cursor next{5, 0};
  std::vector<std::string> keys;
  int frames = 0;
  while (next.revision == 5) {
    const ChangesFrame built = BuildChanges({AllOf(batch)}, next, 5, Form());
    const wire::WatchResponse frame = Parse(built.bytes);
    EXPECT_EQ(frame.fragment(), built.next.revision == 5);
    EXPECT_EQ(frame.revision(), frame.fragment() ? 4 : 5);
    for (const wire::Event& event : frame.events()) keys.push_back(event.entry().key());
    next = built.next;
    ASSERT_LT(++frames, 10);
  }
  EXPECT_GE(frames, 3);
  ASSERT_EQ(keys.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(keys[i], absl::StrCat("/a/", i));
}

TEST(WatchFrame, EventsOfTheLargestKeysAndValuesFitTheLimitOfAnswers) {
  Batch batch = BatchOf(5, 1, limits::kValueBytesMax);
  batch.events[0].previous = batch.events[0].entry;
  ChangesForm form = Form();
  form.previous = Previous::kShown;
  form.bytes_max = limits::kAnswerBytesMax - kWatchManyPrefixBytesMax;
  const ChangesFrame built = BuildChanges({AllOf(batch)}, {5, 0}, 5, form);
  EXPECT_EQ(built.next, (Cursor{6, 0}));
  EXPECT_LE(built.bytes->size(), form.bytes_max);
}

TEST(WatchFrame, PrefixAndFrameAreAWatchManyResponse) {
  for (const int64_t id : {int64_t{1}, int64_t{300}, int64_t{-1}, int64_t{1} << 62}) {
    const FrameBytes frame = StartedFrame(7, "s");
    const std::string prefix = WatchManyPrefix(id, frame->size());
    EXPECT_LE(prefix.size(), kWatchManyPrefixBytesMax);
    wire::WatchManyResponse response;
    ASSERT_TRUE(response.ParseFromString(prefix + *frame));
    EXPECT_EQ(response.watch_id(), id);
    EXPECT_EQ(response.frame().revision(), 7);
  }
}

wire::WatchStatus Ended(const absl::Status& status) {
  wire::WatchResponse parsed;
  EXPECT_TRUE(parsed.ParseFromString(*EndedFrame({.status = status})));
  return parsed.status();
}

TEST(WatchFrame, LongMessageIsCutBetweenCharacters) {
  const std::string most(limits::kErrorMessageBytesMax - 4, 'x');
  const wire::WatchStatus status = Ended(absl::PermissionDeniedError(most + "\xc3\xa4 and more"));
  EXPECT_EQ(status.message(), most + "...");
  EXPECT_EQ(status.reason(), wire::ERROR_REASON_NOT_ALLOWED);
  EXPECT_EQ(Ended(absl::PermissionDeniedError(most + "\xc3\xa4xx")).message(), most + "\xc3\xa4xx") << "fits";
}

TEST(WatchFrame, BytesOfAMessageThatAreNoTextAreReplaced) {
  ErrorDetails details;
  details.reason = Reason::kInvalidField;
  details.violations = {{"range", "is \xff\xfe, which is no key"}};
  const wire::WatchStatus status = Ended(MakeError(absl::StatusCode::kInvalidArgument, "bad \xff byte", details));
  EXPECT_EQ(status.message(), "bad ? byte");
  ASSERT_EQ(status.violations_size(), 1);
  EXPECT_EQ(status.violations(0).description(), "is ??, which is no key");
}

}  // namespace
}  // namespace scoutlight::server
