// Documents of schemas: what is read, written and read again is the same, and lays instances out so that they are found again. Input: the
// document.
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "discovery/instance.h"
#include "discovery/schema.h"
#include "discovery/schema_document.h"
#include "tests/fuzz/fuzz_target.h"

namespace scoutlight::fuzz {
namespace {

using namespace discovery;

void RequireRefusal(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument, status.ToString());
  const std::optional<ErrorDetails> details = DetailsOf(status);
  Require(details.has_value() && !details->violations.empty(), "a refusal names fields: ", status.ToString());
  Require(details->violations.size() <= static_cast<size_t>(limits::kSchemaMistakesMax), "mistakes are bounded");
  for (const FieldViolation& violation : details->violations) {
    Require(!violation.field.empty() && !violation.description.empty(), "a mistake has a place and a reason: ", status.ToString());
  }
}

void ReadBack(const Schema& schema) {
  Require(CheckSchema(schema).empty(), "a schema that is read is sound");
  const std::string document = SchemaDocument(schema);
  if (document.size() > limits::kSchemaDocumentBytesMax) return;  // Written out, defaults may take more room.
  const absl::StatusOr<Schema> again = ParseSchemaDocument(document);
  Require(again.ok(), document, ": ", again.status().ToString());
  Require(*again == schema, "written as ", document);
  Require(SchemaDocument(*again) == document, "one form of ", document);
}

// Lays out an instance whose properties the schema has nothing against, and reads its keys.
void LayOut(const Schema& schema) {
  const InstanceName name{"cluster", "service", "id"};
  const Properties properties = {{"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}};
  const Layout& layout = schema.layout;
  std::vector<Piece> pieces;
  for (const KeyValue& entry : layout.Encode(name, properties)) {
    const std::optional<KeyReading> reading = layout.pattern().Read(KeySegments(entry.key));
    Require(reading.has_value(), "the pattern does not read ", entry.key.path());
    Require(reading->cluster == name.cluster && reading->service == name.service && reading->instance == name.id, "the pattern reads ",
            entry.key.path(), " as another's");
    Require(layout.pattern().ServiceRange({name.cluster, name.service}).Contains(entry.key), entry.key.path(), " is beside the service");
    Piece piece{.property = std::nullopt, .value = entry.value};
    if (reading->property.has_value()) piece.property = std::string(*reading->property);
    pieces.push_back(std::move(piece));
  }
  const DecodedProperties decoded = layout.Decode(pieces, schema.properties);
  Require(decoded.properties == properties, "properties do not come back");
  Require(decoded.problems.empty() && !decoded.unreadable, "what was written well is a problem");
}

}  // namespace

void FuzzSchema(absl::string_view bytes) {
  const absl::StatusOr<Schema> schema = ParseSchemaDocument(bytes);
  if (!schema.ok()) return RequireRefusal(schema.status());
  ReadBack(*schema);
  LayOut(*schema);
}

}  // namespace scoutlight::fuzz
