#include "server/discovery/session_declaration.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"

namespace scoutlight::server {
namespace {

constexpr absl::string_view kWithBefore = " with those of the messages before, at most ";

void AddCount(size_t count, absl::string_view field, std::vector<FieldViolation>* violations) {
  if (count <= static_cast<size_t>(limits::kSessionInstancesMax)) return;
  violations->push_back(
      {std::string(field), absl::StrCat("has ", count, " instances", kWithBefore, limits::kSessionInstancesMax, " are allowed")});
}

FieldViolation NamedBefore(absl::string_view list, size_t place, const discovery::InstanceName& name) {
  return {
      absl::StrCat("declare.", list, "[", place, "].id"),
      absl::StrCat("is ", Shown(name.id), ", which a message of this declaration before it has named: each instance can be named once")};
}

template <typename T>
void Append(std::vector<T> from, std::vector<T>* to) {
  to->insert(to->end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

absl::Status DeclarationParts::Check(const Declaration& part, size_t bytes) const {
  std::vector<FieldViolation> violations;
  if (part.number < number_) {
    violations.push_back(
        {"declare.number", absl::StrCat("is ", part.number, ", must be at least ", number_, ", and not less than that of the one before")});
  }
  AddCount(whole_.set.size() + part.set.size(), "declare.set", &violations);
  AddCount(whole_.remove.size() + part.remove.size(), "declare.remove", &violations);
  if (bytes_ + bytes > limits::kBytesPerLeaseMax) {
    violations.push_back({"declare.set", absl::StrCat("has ", bytes_ + bytes, " bytes of properties", kWithBefore,
                                                      limits::kBytesPerLeaseMax, " are allowed")});
  }
  for (size_t i = 0; i < part.set.size(); ++i) {
    if (named_.contains(part.set[i].name)) violations.push_back(NamedBefore("set", i, part.set[i].name));
  }
  for (size_t i = 0; i < part.remove.size(); ++i) {
    if (named_.contains(part.remove[i])) violations.push_back(NamedBefore("remove", i, part.remove[i]));
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
}

absl::StatusOr<std::optional<Declaration>> DeclarationParts::Add(Declaration part) {
  size_t bytes = 0;
  for (const Declaration::Wanted& one : part.set) bytes += discovery::PropertyBytes(one.properties);
  if (absl::Status wrong = Check(part, bytes); !wrong.ok()) return wrong;
  number_ = part.number;
  const bool more = part.more;
  if (more) {
    for (const Declaration::Wanted& one : part.set) named_.insert(one.name);
    named_.insert(part.remove.begin(), part.remove.end());
  }
  bytes_ += bytes;
  Append(std::move(part.set), &whole_.set);
  Append(std::move(part.remove), &whole_.remove);
  whole_.replace = whole_.replace || part.replace;
  whole_.take_over = whole_.take_over || part.take_over;
  whole_.number = part.number;
  if (more) return std::optional<Declaration>();
  std::optional<Declaration> whole = std::move(whole_);
  Drop();
  return whole;
}

void DeclarationParts::Drop() {
  whole_ = {};
  bytes_ = 0;
  named_.clear();
}

}  // namespace scoutlight::server
