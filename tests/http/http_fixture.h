#ifndef SCOUTLIGHT_TESTS_HTTP_HTTP_FIXTURE_H_
#define SCOUTLIGHT_TESTS_HTTP_HTTP_FIXTURE_H_

#include <dirent.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/http_client.h"
#include "client/locator.h"
#include "client/registrations.h"
#include "client/testing/server.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

// How many descriptors this process has open.
inline int OpenDescriptors() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// A registry, a locator, and clients over it.
class HttpFixture : public ::testing::Test {
 protected:
  // Registers an instance of Printer at 127.0.0.1, and waits until the locator knows it.
  void Add(const std::string& id, int port, discovery::Properties more = {}) {
    more["hostname"] = "127.0.0.1";
    more["port"] = absl::StrCat(port);
    more.try_emplace("protocol", "http");
    const auto registered = registrations_.Register({.service = "Printer", .id = id, .properties = std::move(more)}, Permanent());
    ASSERT_TRUE(registered.ok()) << registered.status();
    ASSERT_TRUE(locator_.Follow({"Printer"}).ok());
    ASSERT_TRUE(WaitUntil([&] {
      const discovery::SnapshotPtr snapshot = locator_.SnapshotOf("Printer");
      const discovery::InstancePtr instance = snapshot == nullptr ? nullptr : snapshot->Find(id);
      return instance != nullptr && instance->properties.at("port") == absl::StrCat(port);
    }));
  }
  HttpClient Open(HttpClientOptions options = {}) {
    absl::StatusOr<HttpClient> client = HttpClient::Open(locator_, std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  // And the calls succeed.
  void ExpectNoLeakOfTenThousandCalls(const std::string& url, HttpClient* http) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(http->Get(url).ok());
    const int before = OpenDescriptors();
    for (int i = 0; i < 10'000; ++i) {
      const absl::StatusOr<HttpResponse> response = i % 3 == 0 ? http->Post(url, "{}") : http->Get(url);
      ASSERT_TRUE(response.ok()) << response.status();
    }
    EXPECT_LE(OpenDescriptors(), before + 2);
  }

  Server registry_;
  Connection connection_ = registry_.Connect();
  Registrations registrations_{connection_};
  // Nothing is ejected: tests count who is asked.
  Locator locator_ = *Locator::Open(connection_, {.ejection = std::nullopt});
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_HTTP_HTTP_FIXTURE_H_
