#include "topology/link_type.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace scoutlight::topology {
namespace {

struct Row {
  LinkType type;
  absl::string_view text;
  LinkType complement;
};

constexpr std::array kRows = {
    Row{LinkType::kPush, "PUSH", LinkType::kPull}, Row{LinkType::kPull, "PULL", LinkType::kPush},
    Row{LinkType::kPub, "PUB", LinkType::kSub},    Row{LinkType::kSub, "SUB", LinkType::kPub},
    Row{LinkType::kReq, "REQ", LinkType::kRep},    Row{LinkType::kRep, "REP", LinkType::kReq},
    Row{LinkType::kPair, "PAIR", LinkType::kPair},
};

const Row& RowOf(LinkType type) { return kRows[static_cast<size_t>(type) - 1]; }

}  // namespace

absl::string_view LinkTypeText(LinkType type) { return RowOf(type).text; }

std::optional<LinkType> ParseLinkType(absl::string_view text) {
  for (const Row& row : kRows) {
    if (row.text == text) return row.type;
  }
  return std::nullopt;
}

std::string LinkTypeNames() {
  return absl::StrJoin(kRows, ", ", [](std::string* out, const Row& row) { absl::StrAppend(out, row.text); });
}

LinkType ComplementOf(LinkType type) { return RowOf(type).complement; }

absl::string_view DeliveryText(Delivery delivery) { return delivery == Delivery::kAcked ? "acked" : "plain"; }

std::optional<Delivery> ParseDelivery(absl::string_view text) {
  if (text == "plain") return Delivery::kPlain;
  if (text == "acked") return Delivery::kAcked;
  return std::nullopt;
}

}  // namespace scoutlight::topology
