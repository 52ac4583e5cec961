#ifndef SCOUTLIGHT_TESTS_E2E_BAD_INPUT_H_
#define SCOUTLIGHT_TESTS_E2E_BAD_INPUT_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {

using grpc::StatusCode;

inline constexpr size_t kMiB = 1 << 20;

// What a caller may not ask for. The store holds /a at revision 2, and no test changes that but by what it says itself.
class BadInputTest : public ServedTest {
 protected:
  BadInputTest() { EXPECT_TRUE(client().Put("/a", "one").ok()); }

  void TearDown() override {
    EXPECT_EQ(client().Revision(), revision_);
    EXPECT_EQ(client().TextAt("/a"), "one");
    ServedTest::TearDown();
  }

  int64_t revision_ = 2;  // That the store must have in the end.
};

// A request that must be refused: how to send it, the reason, and all fields it violates.
struct BadCase {
  const char* name;
  std::function<grpc::Status(Client&)> send;
  const char* reason;
  std::vector<std::string> fields;
};

// Sends each; fails the test unless each is INVALID_ARGUMENT with exactly what its case says.
void ExpectRefused(Client& client, const std::vector<BadCase>& cases);

// Sends `base` with what `fill` sets.
template <typename Request>
std::function<grpc::Status(Client&)> With(const Request& base, const std::function<void(Request*)>& fill) {
  return [base, fill](Client& client) {
    Request request = base;
    fill(&request);
    return client.Send(request).status;
  };
}

// Sends a transaction that `fill` makes.
grpc::Status Transact(Client& client, const std::function<void(wire::TransactRequest*)>& fill);

// Sends a transaction of one harmless operation and one that `fill` makes, in on_success or in on_failure.
grpc::Status TransactOne(Client& client, bool on_success, const std::function<void(wire::Operation*)>& fill);

wire::GetRequest GetOf(const std::string& key);
wire::DeleteRequest DeleteOf(const std::string& key);
wire::Condition ConditionOn(const std::string& key);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_BAD_INPUT_H_
