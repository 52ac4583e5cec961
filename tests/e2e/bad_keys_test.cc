// Keys that are none, in every place where a request names one.
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/bad_input.h"

namespace scoutlight::testing {
namespace {

class BadKeys : public BadInputTest {};

// Where a request names a key: how to send it, the field, and whether the key is written, or may be "/".
struct KeyPlace {
  const char* field;
  enum Use { kRead, kWritten, kListed } use;
  std::function<grpc::Status(Client&, const std::string& key)> send;
};

std::vector<KeyPlace> KeyPlaces() {
  std::vector<KeyPlace> places = {
      {"key", KeyPlace::kRead, [](Client& client, const std::string& key) { return client.Get(key).status; }},
      {"parent", KeyPlace::kListed, [](Client& client, const std::string& key) { return client.List(key).status; }},
      {"key", KeyPlace::kWritten, [](Client& client, const std::string& key) { return client.Put(key, "").status; }},
      {"key", KeyPlace::kWritten, [](Client& client, const std::string& key) { return client.Delete(key).status; }},
      {"key", KeyPlace::kWritten,
       [](Client& client, const std::string& key) {
         wire::DeleteRequest request;
         request.set_key(key);
         request.set_validate_only(true);
         return client.Send(request).status;
       }},
      {"conditions[0].key", KeyPlace::kRead,
       [](Client& client, const std::string& key) {
         return Transact(client, [&key](wire::TransactRequest* request) {
           request->add_conditions()->set_key(key);
           request->mutable_conditions(0)->set_exists(true);
         });
       }},
  };
  for (const bool on_success : {true, false}) {
    const auto add = [&](const char* field, KeyPlace::Use use, void (*fill)(wire::Operation*, const std::string&)) {
      places.push_back({field, use, [=](Client& client, const std::string& key) {
                          return TransactOne(client, on_success, [&](wire::Operation* operation) { fill(operation, key); });
                        }});
    };
    add(on_success ? "on_success[1].put.key" : "on_failure[1].put.key", KeyPlace::kWritten,
        [](wire::Operation* operation, const std::string& key) {
          operation->mutable_put()->set_key(key);
          operation->mutable_put()->set_text("");
        });
    add(on_success ? "on_success[1].delete.key" : "on_failure[1].delete.key", KeyPlace::kWritten,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_delete_()->set_key(key); });
    add(on_success ? "on_success[1].get.key" : "on_failure[1].get.key", KeyPlace::kRead,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_get()->set_key(key); });
    add(on_success ? "on_success[1].list.parent" : "on_failure[1].list.parent", KeyPlace::kListed,
        [](wire::Operation* operation, const std::string& key) { operation->mutable_list()->set_parent(key); });
  }
  return places;
}

std::string KeyOfSegments(int segments) {
  std::string key;
  for (int i = 0; i < segments; ++i) key += "/s";
  return key;
}

std::string KeyOfBytes(size_t bytes) { return absl::StrCat("/", std::string(bytes - 1, 'k')); }

TEST_F(BadKeys, KeysThatAreNone) {
  const std::vector<std::string> keys = {"",
                                         "//",
                                         "//a",
                                         "/a//b",
                                         "/a//",
                                         ".",
                                         "..",
                                         "/.",
                                         "/..",
                                         "/a/../b",
                                         "/a/./b",
                                         "/a/..",
                                         std::string("/a\0b", 4),
                                         std::string("\0", 1),
                                         "/a\x01",
                                         "/a\n/b",
                                         "/a\x1f/b",
                                         "/a\x7f",
                                         "/a\xc2\x80",  // U+0080, a C1 control character.
                                         "/a\xc2\x9f",
                                         KeyOfSegments(33),
                                         KeyOfBytes(1025),
                                         std::string(1024, 'k')};  // 1,025 bytes with the slash in front.
  for (const KeyPlace& place : KeyPlaces()) {
    for (const std::string& key : keys) {
      SCOPED_TRACE(absl::StrCat(place.field, " = \"", key.substr(0, 40), "\""));
      ExpectFailure(place.send(client(), key), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {place.field});
    }
  }
}

TEST_F(BadKeys, TheRootHoldsNoValue) {
  for (const KeyPlace& place : KeyPlaces()) {
    SCOPED_TRACE(place.field);
    if (place.use == KeyPlace::kListed) {
      EXPECT_TRUE(place.send(client(), "/").ok());
    } else {
      ExpectFailure(place.send(client(), "/"), StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {place.field});
    }
  }
}

TEST_F(BadKeys, TheSystemTreeIsNotWritten) {
  for (const KeyPlace& place : KeyPlaces()) {
    for (const std::string key : {"/.scoutlight", "/.scoutlight/x", ".scoutlight/instances/a/b/c/", "/.scoutlight/x/y"}) {
      SCOPED_TRACE(absl::StrCat(place.field, " = ", key));
      const grpc::Status status = place.send(client(), key);
      if (place.use == KeyPlace::kWritten) {
        ExpectFailure(status, StatusCode::INVALID_ARGUMENT, "RESERVED_KEY", {place.field});
      } else {
        EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::NOT_FOUND) << status.error_message();
      }
    }
  }
}

TEST_F(BadKeys, LongestAndDeepestKeysAreKeys) {
  for (const std::string& key : {KeyOfSegments(32), KeyOfBytes(1024), KeyOfBytes(1024) + "/"}) {
    for (const KeyPlace& place : KeyPlaces()) {
      const grpc::Status status = place.send(client(), key);
      EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::NOT_FOUND) << place.field << ": " << status.error_message();
    }
  }
  // Of each key and its places: a put, its delete, and a put of a transaction with its delete.
  revision_ = 2 + 3 * 4;
}

}  // namespace
}  // namespace scoutlight::testing
