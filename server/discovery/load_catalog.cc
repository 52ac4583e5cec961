#include "server/discovery/load_catalog.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/schema_document.h"
#include "discovery/schema_set.h"
#include "discovery/shipped_schemas.h"
#include "discovery/system_records.h"

namespace scoutlight::server {
namespace {

using discovery::Binding;
using discovery::Bindings;
using discovery::Claims;
using discovery::KeyPattern;
using discovery::Schema;
using discovery::SchemaSet;
using discovery::SystemKey;

// Up to this depth a pattern has literals, which narrow the search; below, everything is looked at.
int LastLiteral(const KeyPattern& pattern) {
  int last = pattern.depth();
  while (last > 0 && pattern.LiteralAt(last - 1).empty()) --last;
  return last;
}

// Shows every entry that `pattern` may read.
absl::Status Walk(StoreReader* reader, const KeyPattern& pattern, const Key& node, int depth,
                  const std::function<void(const Entry&)>& show) {
  if (depth == LastLiteral(pattern)) {
    return reader->ForEach({node, Scope::kSubtree}, StoreReader::Values::kShown, show);
  }
  std::vector<Key> below;
  if (const absl::string_view literal = pattern.LiteralAt(depth); !literal.empty()) {
    absl::StatusOr<Key> child = Key::FromNormal(absl::StrCat(node.is_root() ? "" : node.path(), "/", literal));
    // A path that is too long for a key has nothing.
    if (child.ok()) below.push_back(*std::move(child));
  } else {
    const absl::Status read = reader->ForEach({node, Scope::kChildren}, StoreReader::Values::kLeftOut, [&below](const Entry& entry) {
      if (entry.has_children) below.push_back(entry.key);
    });
    if (!read.ok()) return read;
  }
  for (const Key& child : below) {
    if (absl::Status walked = Walk(reader, pattern, child, depth + 1, show); !walked.ok()) return walked;
  }
  return absl::OkStatus();
}

// Those that can be together with the ones before them.
SchemaSet Fitting(const std::vector<std::shared_ptr<const Schema>>& schemas, const Warn& warn) {
  SchemaSet fitting;
  for (const std::shared_ptr<const Schema>& schema : schemas) {
    const std::vector<FieldViolation> wrong = fitting.Add(schema);
    if (wrong.empty()) continue;
    warn(absl::StrCat("schema ", schema->name, " is left out: ", wrong.front().field, " ", wrong.front().description));
  }
  return fitting;
}

// Those of `bindings`, each of its own (cluster, service), that name a schema there is.
std::vector<Binding> Fitting(const std::vector<Binding>& bindings, const SchemaSet& schemas, const Warn& warn) {
  std::vector<Binding> fitting;
  for (const Binding& binding : bindings) {
    const bool known = binding.schema == discovery::kNoSchema || schemas.Find(binding.schema) != nullptr;
    if (known && fitting.size() < static_cast<size_t>(limits::kBindingsMax) && Bindings::Create({binding}).ok()) {
      fitting.push_back(binding);
    } else {
      warn(absl::StrCat("the binding of ", binding.cluster, "/", binding.service, " to ", binding.schema, " is left out"));
    }
  }
  return fitting;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Claims>> LoadClaims(StoreReader* reader, const Warn& warn) {
  std::vector<std::shared_ptr<const Schema>> schemas = discovery::ShippedSchemas();
  absl::Status read = reader->ForEach({discovery::SchemasTree(), Scope::kChildren}, StoreReader::Values::kShown, [&](const Entry& entry) {
    if (!entry.has_value) return;
    absl::StatusOr<Schema> schema = discovery::ParseSchemaDocument(entry.value.bytes);
    if (!schema.ok()) {
      warn(absl::StrCat("the schema at ", entry.key.path(), " cannot be read: ", schema.status().message()));
    } else {
      schemas.push_back(std::make_shared<const Schema>(*std::move(schema)));
    }
  });
  if (!read.ok()) return read;
  std::vector<Binding> bindings;
  read = reader->ForEach({discovery::BindingsTree(), Scope::kSubtree}, StoreReader::Values::kShown, [&](const Entry& entry) {
    const std::optional<SystemKey> key = discovery::ReadSystemKey(entry.key);
    if (!entry.has_value || !key.has_value()) return;
    bindings.push_back({std::string(key->cluster), std::string(key->service), entry.value.bytes});
  });
  if (!read.ok()) return read;
  absl::StatusOr<Bindings> all = Bindings::Create(bindings);
  absl::StatusOr<std::shared_ptr<const Claims>> claims =
      all.ok() ? Claims::Create(schemas, *all) : absl::StatusOr<std::shared_ptr<const Claims>>(all.status());
  if (claims.ok()) return claims;
  // What RPCs have stored fits together: this was put there in another way. Take what can be taken.
  warn(absl::StrCat("schemas and bindings do not fit together: ", claims.status().message()));
  const SchemaSet fitting = Fitting(schemas, warn);
  all = Bindings::Create(Fitting(bindings, fitting, warn));
  if (!all.ok()) return all.status();
  return Claims::Create(fitting.all(), *std::move(all));
}

absl::StatusOr<std::shared_ptr<discovery::Catalog>> LoadCatalog(StoreReader* reader, uint64_t number, std::shared_ptr<const Claims> claims,
                                                                Revision revision) {
  auto catalog = std::make_shared<discovery::Catalog>(claims, number);
  const auto fill = [&catalog](const Entry& entry) {
    if (entry.has_value) catalog->Fill(entry);
  };
  for (const Key& tree : {discovery::InstanceRecordsTree(), discovery::OverridesTree()}) {
    if (absl::Status read = reader->ForEach({tree, Scope::kSubtree}, StoreReader::Values::kShown, fill); !read.ok()) return read;
  }
  std::vector<const KeyPattern*> walked;
  for (const std::shared_ptr<const Schema>& schema : claims->schemas()) {
    const KeyPattern& pattern = schema->layout.pattern();
    bool known = false;
    for (const KeyPattern* other : walked) known = known || *other == pattern;
    if (known) continue;
    walked.push_back(&pattern);
    if (absl::Status read = Walk(reader, pattern, Key(), 0, fill); !read.ok()) return read;
  }
  catalog->FillUpTo(revision);
  return catalog;
}

}  // namespace scoutlight::server
