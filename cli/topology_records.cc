#include "cli/topology_records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/entry_records.h"

namespace scoutlight::cli {
namespace {

using topology::LinkChange;
using Where = Field::Where;

struct Kind {
  absl::string_view word;
  absl::string_view sign;
  Colour colour;
};
constexpr std::array kKinds = {Kind{"added", "+", Colour::kGreen}, Kind{"removed", "-", Colour::kRed},
                               Kind{"changed", "~", Colour::kYellow}};

size_t KindOf(const LinkChange& change) {
  if (change.before.empty()) return 0;
  return change.after.empty() ? 1 : 2;
}

std::string LinkText(const LinkChange& change) {
  if (change.before.empty()) return change.after;
  return change.after.empty() ? change.before : absl::StrCat(change.before, " -> ", change.after);
}

// A link as JSON in JSON; null: there is none.
Json LinkJson(const std::string& text) {
  if (text.empty()) return {};
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json(text) : json;
}

size_t LinksOf(const topology::Topology& topology) {
  size_t links = 0;
  for (const auto& [name, service] : topology.services) links += service.in.size() + service.out.size();
  return links;
}

std::string Counted(size_t count, absl::string_view noun) { return absl::StrCat(count, " ", noun, count == 1 ? "" : "s"); }

// What was done, if it was no plain apply.
std::string DeedText(const TopologyVersion& version) {
  if (version.deleted) return "deleted";
  return version.restored_version == 0 ? "" : absl::StrCat("back to ", version.restored_version);
}

}  // namespace

Record VersionRecord(const TopologyVersion& version) {
  Record record{.name = absl::StrCat(version.version), .fields = {{"version", version.version}}};
  record.fields.push_back({"revision", NumberJson(version.revision), Where::kWide});
  record.fields.push_back({"applied_at", absl::FormatTime(absl::RFC3339_sec, version.applied_at, absl::UTCTimeZone())});
  record.fields.push_back({"applied_by", version.applied_by});
  record.fields.push_back({"restored_version", NumberJson(version.restored_version), Where::kJson});
  record.fields.push_back({"deleted", version.deleted, Where::kJson});
  const std::string deed = DeedText(version);
  const std::string comment = version.comment;
  record.fields.push_back({"comment", comment.empty() ? Json() : Json(comment), Where::kJson});
  std::string text = deed.empty() || comment.empty() ? deed + comment : absl::StrCat(deed, ": ", comment);
  record.fields.push_back({"what", Json(), Where::kAlways, text.empty() ? "-" : std::move(text)});
  return record;
}

Record LinkRecord(const LinkChange& change) {
  const Kind& kind = kKinds[KindOf(change)];
  return {.name = absl::StrCat(change.service, " ", topology::LinkEndText(change.end), " ", change.queue),
          .fields = {{"change", std::string(kind.word), Where::kAlways, std::nullopt, kind.colour},
                     {"service", change.service},
                     {"end", std::string(topology::LinkEndText(change.end))},
                     {"queue", change.queue},
                     {"before", LinkJson(change.before), Where::kJson},
                     {"after", LinkJson(change.after), Where::kJson},
                     {"link", Json(), Where::kAlways, LinkText(change)}}};
}

Json LinksJson(const std::vector<LinkChange>& links) {
  Json json = Json::array();
  for (const LinkChange& change : links) json.push_back(JsonOf(LinkRecord(change)));
  return json;
}

std::string LinkLine(const LinkChange& change) {
  return absl::StrCat(kKinds[KindOf(change)].sign, " ", topology::LinkEndText(change.end), " ", change.queue, " of ", change.service, ": ",
                      LinkText(change));
}

std::string SizeText(const topology::Topology& topology) {
  return absl::StrCat(Counted(topology.services.size(), "service"), ", ", Counted(LinksOf(topology), "link"));
}

std::vector<Field> SizeFields(const topology::Topology& topology) {
  return {{"services", topology.services.size()}, {"links", LinksOf(topology)}};
}

std::string ChangesText(const std::vector<LinkChange>& links) {
  std::array<size_t, kKinds.size()> counts{};
  for (const LinkChange& change : links) ++counts[KindOf(change)];
  std::string text;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    absl::StrAppend(&text, text.empty() ? Counted(counts[i], "link") : absl::StrCat(", ", counts[i]), " ", kKinds[i].word);
  }
  return text.empty() ? "no link differs" : text;
}

}  // namespace scoutlight::cli
