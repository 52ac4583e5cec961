#include "client/gates/acked_format.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

// What version 1 wrote, as it is on the wire; changes nevermore.
constexpr char kOldRequest[] =
    "01"
    "0102030405060708"
    "0000000000000009"
    "09"
    "706c61696e74657874"
    "68656c6c6f00ff";
constexpr char kOldConfirmed[] =
    "01"
    "0102030405060708"
    "0000000000000009"
    "01";
constexpr char kOldRefused[] =
    "01"
    "0102030405060708"
    "0000000000000009"
    "02";
constexpr MessageId kId = {.sender = 0x0102030405060708, .sequence = 9};

TEST(AckedFormat, OldBytesAreWrittenAndRead) {
  const std::string body("hello\0\xff", 7);
  EXPECT_EQ(absl::BytesToHexString(EncodeRequest({.id = kId, .queue = "plaintext", .body = body})), kOldRequest);
  EXPECT_EQ(absl::BytesToHexString(EncodeAnswer({.id = kId, .verdict = Verdict::kConfirmed})), kOldConfirmed);
  EXPECT_EQ(absl::BytesToHexString(EncodeAnswer({.id = kId, .verdict = Verdict::kRefused})), kOldRefused);

  const std::string bytes = absl::HexStringToBytes(kOldRequest);
  const auto request = DecodeRequest(bytes);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->id, kId);
  EXPECT_EQ(request->queue, "plaintext");
  EXPECT_EQ(request->body, body);
  EXPECT_EQ(DecodeAnswer(absl::HexStringToBytes(kOldConfirmed))->verdict, Verdict::kConfirmed);
  EXPECT_EQ(DecodeAnswer(absl::HexStringToBytes(kOldRefused))->verdict, Verdict::kRefused);
}

TEST(AckedFormat, EverythingCutShortIsNone) {
  const std::string request = EncodeRequest({.id = kId, .queue = "q", .body = ""});
  for (size_t bytes = 0; bytes < request.size(); ++bytes) EXPECT_FALSE(DecodeRequest(request.substr(0, bytes)).has_value()) << bytes;
  EXPECT_TRUE(DecodeRequest(request).has_value());
  const std::string answer = EncodeAnswer({.id = kId, .verdict = Verdict::kConfirmed});
  for (size_t bytes = 0; bytes < answer.size(); ++bytes) EXPECT_FALSE(DecodeAnswer(answer.substr(0, bytes)).has_value()) << bytes;
}

TEST(AckedFormat, OtherVersionsIdsAndVerdictsAreNone) {
  std::string request = EncodeRequest({.id = kId, .queue = "q", .body = "b"});
  request[0] = 2;
  EXPECT_FALSE(DecodeRequest(request).has_value());
  EXPECT_FALSE(DecodeRequest(EncodeRequest({.id = {.sender = 1, .sequence = 0}, .queue = "q", .body = "b"})).has_value());
  std::string answer = EncodeAnswer({.id = kId, .verdict = Verdict::kConfirmed});
  answer.back() = 3;
  EXPECT_FALSE(DecodeAnswer(answer).has_value());
}

TEST(AckedFormat, WhatALaterVersionAddsToAnAnswerIsPassedOver) {
  EXPECT_EQ(DecodeAnswer(EncodeAnswer({.id = kId, .verdict = Verdict::kRefused}) + "why")->verdict, Verdict::kRefused);
}

}  // namespace
}  // namespace scoutlight::client
