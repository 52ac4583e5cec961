#include "client/http/parsed_urls.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

std::string TextOf(CURLU* url) {
  char* text = nullptr;
  EXPECT_EQ(curl_url_get(url, CURLUPART_URL, &text, 0), CURLUE_OK);
  const std::unique_ptr<char, decltype(&curl_free)> kept(text, &curl_free);
  return kept == nullptr ? "" : kept.get();
}

TEST(ParsedUrls, SayWhatWasAskedFor) {
  ParsedUrls urls;
  for (const std::string url : {"http://127.0.0.1:80/a/../b%2f%2F?x=1&y=%20", "https://[::1]:8443/", "http://a/"}) {
    EXPECT_EQ(TextOf(urls.Parse(url)->get()), url);
    EXPECT_EQ(TextOf(urls.Parse(url)->get()), url);
  }
}

TEST(ParsedUrls, ThoseAskedForLastAreNotParsedAgain) {
  ParsedUrls urls;
  const auto parse = [&urls](int i) { return *urls.Parse(absl::StrCat("http://a/", i)); };
  const std::shared_ptr<CURLU> first = parse(0);
  const std::shared_ptr<CURLU> second = parse(1);
  for (int i = 2; i <= static_cast<int>(ParsedUrls::kKeptMax); ++i) {
    parse(i);
    EXPECT_EQ(parse(0), first) << i;
  }
  EXPECT_EQ(second.use_count(), 1);
  // One that gave way stays good for who holds it.
  EXPECT_EQ(TextOf(second.get()), "http://a/1");
  EXPECT_EQ(TextOf(parse(1).get()), "http://a/1");
}

TEST(ParsedUrls, WhatIsNoUrlIsToldAndNotKept) {
  ParsedUrls urls;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(urls.Parse("http://a b/").status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(urls.Parse("http://a:99999/").status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(urls.Parse("http://[fe80::1%25eth0]/").status().code(), absl::StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace scoutlight::client
