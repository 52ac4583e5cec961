#include "topology/link_matching.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/shown.h"

namespace scoutlight::topology {
namespace {

using InLinks = std::vector<const InLink*>;

// Of those that a mistake could mean, so many are named.
constexpr size_t kNamedMax = 8;

std::string ListOf(InLinks links) {
  const size_t more = links.size() - std::min(links.size(), kNamedMax);
  links.resize(links.size() - more);
  std::string list = absl::StrJoin(links, ", ", [](std::string* out, const InLink* link) {
    absl::StrAppend(out, Shown(link->queue), " (", LinkTypeText(link->type), ")");
  });
  if (more > 0) absl::StrAppend(&list, " and ", more, " more");
  return list;
}

// The in link that is meant, or a mistake.
struct Found {
  const InLink* link = nullptr;
  FieldViolation mistake;
};

Found Mistake(std::string field, std::string description) {
  return {.link = nullptr, .mistake = {std::move(field), std::move(description)}};
}

Found OtherEnd(const WrittenOutLink& written, const ServiceLinks& there) {
  const OutLink& out = written.link;
  const LinkType wanted = ComplementOf(out.type);
  InLinks all, fitting;
  for (const InLink& in : there.in) {
    all.push_back(&in);
    if (in.type == wanted) fitting.push_back(&in);
  }
  const std::string service = Shown(out.service);
  if (all.empty()) return Mistake(written.path + ".outgate", absl::StrCat("is ", service, ", which has no link with addresses"));
  const InLink* const named = there.FindIn(out.to_queue.empty() ? out.queue : out.to_queue);
  if (!out.to_queue.empty() && named == nullptr) {
    return Mistake(written.path + ".to_queue",
                   absl::StrCat("is ", Shown(out.to_queue), ", but the queues of ", service, " are ", ListOf(all)));
  }
  if (named != nullptr && named->type == wanted) return {.link = named, .mistake = {}};
  const std::string types = absl::StrCat("is ", LinkTypeText(out.type), ", which needs ", LinkTypeText(wanted));
  if (!out.to_queue.empty()) {
    return Mistake(written.path + ".type", absl::StrCat(types, " at the other end, but ", ListOf({named}), " of ", service, " is none"));
  }
  if (fitting.size() == 1) return {.link = fitting.front(), .mistake = {}};
  if (fitting.empty()) {
    return Mistake(written.path + ".type", absl::StrCat(types, " at the other end, but ", service, " has ", ListOf(all)));
  }
  return Mistake(written.path + ".outgate",
                 absl::StrCat("is ", service, ", of which any of ", ListOf(fitting), " could be meant: name one by `to_queue`"));
}

}  // namespace

void MatchLinks(std::vector<WrittenOutLink> links, Topology* topology, std::vector<FieldViolation>* mistakes) {
  for (WrittenOutLink& written : links) {
    if (mistakes->size() >= static_cast<size_t>(kMistakesMax)) return;
    OutLink& out = written.link;
    const auto there = topology->services.find(out.service);
    if (there == topology->services.end()) {
      mistakes->push_back({written.path + ".outgate", absl::StrCat("is ", Shown(out.service), ", which is no service of the document")});
      continue;
    }
    Found found = OtherEnd(written, there->second);
    if (found.link == nullptr) {
      mistakes->push_back(std::move(found.mistake));
      continue;
    }
    if (written.delivery.value_or(found.link->delivery) != found.link->delivery) {
      mistakes->push_back(
          {written.path + ".delivery", absl::StrCat("is ", DeliveryText(*written.delivery), ", but that of ", Shown(found.link->queue),
                                                    " of ", Shown(out.service), " is ", DeliveryText(found.link->delivery))});
      continue;
    }
    out.to_queue = found.link->queue;
    out.delivery = found.link->delivery;
    topology->services[written.service].out.push_back(std::move(out));
  }
}

}  // namespace scoutlight::topology
