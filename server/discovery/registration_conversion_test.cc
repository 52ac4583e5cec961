#include "server/discovery/registration_conversion.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "discovery/bindings.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

// The schema of `s` requires a port; `off` is bound to none.
std::shared_ptr<const discovery::Claims> SomeClaims() {
  discovery::Schema schema = *discovery::ShippedSchemas().front();
  schema.name = "strict";
  schema.properties.definitions["port"].required = true;
  std::vector<std::shared_ptr<const discovery::Schema>> schemas = discovery::ShippedSchemas();
  schemas.push_back(std::make_shared<const discovery::Schema>(std::move(schema)));
  return *discovery::Claims::Create(schemas, *discovery::Bindings::Create({{"*", "s", "strict"}, {"*", "off", "none"}}));
}

TEST(RegistrationOf, TellsEveryViolationAtOnce) {
  const std::shared_ptr<const discovery::Claims> claims = SomeClaims();
  const storage::Traits traits;
  const std::string long_id(limits::kNameBytesMax + 1, 'i');
  using Properties = std::map<std::string, std::string>;
  const struct {
    const char* what;
    std::string cluster;
    std::string service;
    std::string id;
    Properties properties;
    bool lifetime;
    const discovery::Claims* claims;
    std::vector<std::string> fields;
  } cases[] = {
      {"nothing", "c", "s", "i", {{"port", "80"}}, true, claims.get(), {}},
      {"no lifetime", "c", "s", "i", {{"port", "80"}}, false, claims.get(), {"lifetime"}},
      {"no lifetime and a wrong property",
       "c",
       "s",
       "i",
       {{"port", "80001"}},
       false,
       claims.get(),
       {"instance.properties.port", "lifetime"}},
      {"no lifetime and a missing one", "c", "s", "i", {}, false, claims.get(), {"instance.properties.port", "lifetime"}},
      {"a wrong id",
       "c",
       "s",
       long_id,
       {{"weight", "-1"}},
       true,
       claims.get(),
       {"instance.id", "instance.properties.port", "instance.properties.weight"}},
      {"an id that is drawn",
       "",
       "s",
       "",
       {{"weight", "-1"}},
       false,
       claims.get(),
       {"instance.properties.port", "instance.properties.weight", "lifetime"}},
      {"no service, so no schema", "c", "", "i", {{"weight", "-1"}}, false, claims.get(), {"instance.service", "lifetime"}},
      {"a wrong cluster, so no schema",
       "*",
       "s",
       "i",
       {{"a/b", ""}},
       false,
       claims.get(),
       {"instance.cluster", "instance.properties[\"a/b\"]", "lifetime"}},
      {"generic and of the schema",
       "c",
       "s",
       "i",
       {{"a/b", ""}, {"port", "x"}},
       true,
       claims.get(),
       {"instance.properties[\"a/b\"]", "instance.properties.port"}},
      {"a service without discovery", "c", "off", "i", {{"weight", "-1"}}, false, claims.get(), {"lifetime"}},
      {"no schemas known yet", "c", "s", "i", {{"weight", "-1"}}, false, nullptr, {"lifetime"}},
  };
  for (const auto& one : cases) {
    wire::RegisterRequest request;
    request.mutable_instance()->set_cluster(one.cluster);
    request.mutable_instance()->set_service(one.service);
    request.mutable_instance()->set_id(one.id);
    request.mutable_instance()->mutable_properties()->insert(one.properties.begin(), one.properties.end());
    if (one.lifetime) request.set_permanent(true);
    const absl::Status status = RegistrationOf(request, traits, one.claims).status();
    EXPECT_EQ(status.code(), one.fields.empty() ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument) << one.what;
    EXPECT_EQ(ReasonOf(status), one.fields.empty() ? Reason::kUnspecified : Reason::kInvalidField) << one.what;
    std::vector<std::string> fields;
    for (const FieldViolation& violation : DetailsOf(status).value_or(ErrorDetails()).violations) fields.push_back(violation.field);
    EXPECT_EQ(fields, one.fields) << one.what;
  }
}

wire::RegisterAllResponse::Result ResultOf(const absl::Status& status) {
  wire::RegisterAllResponse::Result result;
  FillError(status, &result);
  return result;
}

TEST(RegisterAllResult, TellsCodeReasonAndWhatIsWrong) {
  const wire::RegisterAllResponse::Result result =
      ResultOf(InvalidFields(Reason::kInvalidField, {{"instance.properties.port", "is x, must be a number"}, {"ttl", "is missing"}}));
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(result.reason(), "INVALID_FIELD");
  EXPECT_EQ(result.violations_size(), 2);
  EXPECT_EQ(result.violations_omitted(), 0);
  EXPECT_EQ(result.violations().at("ttl"), "is missing");
}

// A string field with other bytes would keep every answer from being sent, or read.
TEST(RegisterAllResult, BytesThatAreNoTextAreReplaced) {
  ErrorDetails details;
  details.reason = Reason::kInvalidField;
  details.violations = {{"instance.id", "is \xff\xfe, which is no name"}};
  const wire::RegisterAllResponse::Result result = ResultOf(MakeError(absl::StatusCode::kInvalidArgument, "before \xff after", details));
  EXPECT_EQ(result.message(), "before ? after");
  EXPECT_EQ(result.violations().at("instance.id"), "is ??, which is no name");
  wire::RegisterAllResponse::Result read;
  EXPECT_TRUE(read.ParseFromString(result.SerializeAsString()));
}

TEST(RegisterAllResult, ErrorsAreBounded) {
  ErrorDetails details;
  details.reason = Reason::kInvalidField;
  for (int i = 0; i < 100; ++i) details.violations.push_back({absl::StrCat("field", i), std::string(10'000, 'x')});
  const wire::RegisterAllResponse::Result result =
      ResultOf(MakeError(absl::StatusCode::kInvalidArgument, std::string(10'000, 'y'), details));
  EXPECT_EQ(result.message().size(), limits::kErrorMessageBytesMax);
  EXPECT_EQ(result.violations_size(), 2) << "as many as fit";
  EXPECT_EQ(result.violations_omitted(), 98);
  EXPECT_LE(result.ByteSizeLong(), kResultErrorBytesMax);
}

}  // namespace
}  // namespace scoutlight::server
