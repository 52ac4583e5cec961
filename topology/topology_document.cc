#include "topology/topology_document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/shown.h"
#include "discovery/bounded_json.h"
#include "discovery/names.h"
#include "discovery/object_reader.h"
#include "topology/link_matching.h"

namespace scoutlight::topology {
namespace {

using discovery::ObjectReader;
using discovery::Url;
using Json = nlohmann::json;

constexpr int kDepthMax = 8;
// sockaddr_un::sun_path, with the zero behind it (unix(7)).
constexpr size_t kIpcPathBytesMax = 107;

std::string QueueFault(const std::string& queue) {
  if (queue.size() > kQueueBytesMax) return absl::StrCat("has ", queue.size(), " bytes, at most ", kQueueBytesMax, " are allowed");
  return discovery::PropertyNameFault(queue);
}

// Reads one address; kInvalidArgument with what is wrong, in words that go on after the field's name.
absl::StatusOr<Url> ReadAddress(const std::string& text) {
  const auto wrong = [&](absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat("is ", Shown(text), ", ", what)); };
  absl::string_view read = text;
  // Port 0 is a free one, which URLs do not know.
  const bool says_free = absl::StartsWith(read, "tcp://") && absl::ConsumeSuffix(&read, ":0");
  absl::StatusOr<Url> url = discovery::ParseUrl(read);
  if (!url.ok()) return url;
  if (url->scheme == "tcp") {
    if (url->host.empty() || !url->rest.empty() || (says_free && url->port != 0))
      return wrong("tcp://host:port is wanted, port 0 or none for a free one");
  } else if (url->scheme == "ipc") {
    if (!url->host.empty() || url->port != 0) return wrong("ipc:///path is wanted");
    if (url->rest.size() > kIpcPathBytesMax) return wrong(absl::StrCat("a path of at most ", kIpcPathBytesMax, " bytes is allowed"));
  } else if (url->scheme == "inproc") {
    if (url->host.empty() || url->port != 0) return wrong("inproc://name is wanted");
  } else {
    return wrong("its scheme must be tcp, ipc or inproc");
  }
  return url;
}

// Reads a document's links; see ParseTopology for what is right.
class DocumentReader {
 public:
  void Read(const Json& document) {
    if (!document.is_object()) return Add("document", absl::StrCat("is ", document.type_name(), ", an object is wanted"));
    if (document.size() > kServicesMax) {
      return Add("document", absl::StrCat("has ", document.size(), " services, at most ", kServicesMax, " are allowed"));
    }
    for (const auto& [name, service] : document.items()) {
      if (mistakes_.size() >= static_cast<size_t>(kMistakesMax)) return;
      ReadService(name, service);
    }
  }

  // Once Read. What leads to a service of which not everything could be read cannot be judged.
  std::vector<FieldViolation> Finish(Topology* topology) {
    out_.erase(std::remove_if(out_.begin(), out_.end(), [this](const WrittenOutLink& out) { return unread_.contains(out.link.service); }),
               out_.end());
    MatchLinks(std::move(out_), &topology_, &mistakes_);
    *topology = std::move(topology_);
    return std::move(mistakes_);
  }

 private:
  void Add(std::string field, std::string description) { mistakes_.push_back({std::move(field), std::move(description)}); }

  void ReadService(const std::string& name, const Json& json) {
    const size_t before = mistakes_.size();
    ReadLinks(name, json);
    if (mistakes_.size() > before) unread_.insert(name);
  }

  void ReadLinks(const std::string& name, const Json& json) {
    const std::string path = discovery::JsonMemberPath("", name);
    if (const std::string fault = discovery::ServiceFault(name); !fault.empty()) Add(path, "the name " + fault);
    ServiceLinks& service = topology_.services[name];
    ObjectReader reader(json, path, &mistakes_);
    const Json* const links = reader.Require("links");
    reader.RefuseOthers();
    if (links == nullptr) return;
    if (!links->is_array()) return reader.AddMistake("links", absl::StrCat("is ", links->type_name(), ", a list is wanted"));
    if (links->size() > kLinksOfServiceMax) {
      return reader.AddMistake("links", absl::StrCat("are ", links->size(), ", at most ", kLinksOfServiceMax, " are allowed"));
    }
    Queues queues;
    for (size_t i = 0; i < links->size(); ++i) ReadLink(name, absl::StrCat(path, ".links[", i, "]"), (*links)[i], &queues, &service);
  }

  // What the links of one service have taken so far.
  struct Queues {
    absl::btree_set<std::string> in, out;
    absl::btree_set<std::string> addresses;
  };

  void ReadLink(const std::string& service, const std::string& path, const Json& json, Queues* queues, ServiceLinks* links) {
    const size_t before = mistakes_.size();
    ObjectReader reader(json, path, &mistakes_);
    const std::optional<std::string> queue = ReadQueue("queue", &reader);
    reader.Require("queue");
    const std::optional<LinkType> type = ReadType(&reader);
    const std::optional<Delivery> delivery = ReadDelivery(type, &reader);
    const bool has_outgate = reader.Find("outgate") != nullptr;
    const bool has_addresses = reader.Find("addresses") != nullptr;
    if (json.is_object() && has_outgate == has_addresses) {
      Add(path, has_outgate ? "has both `outgate` and `addresses`" : "has neither `outgate` nor `addresses`");
    } else if (has_outgate) {
      OutLink link{.queue = queue.value_or(""), .type = type.value_or(LinkType::kPush)};
      link.service = reader.String("outgate").value_or("");
      link.to_queue = ReadQueue("to_queue", &reader).value_or("");
      if (queue.has_value() && !queues->out.insert(*queue).second) AddTwice("outgate", *queue, &reader);
      reader.RefuseOthers();
      if (mistakes_.size() == before) out_.push_back({.path = path, .service = service, .link = std::move(link), .delivery = delivery});
      return;
    } else if (has_addresses) {
      InLink link{.queue = queue.value_or(""), .type = type.value_or(LinkType::kPull)};
      link.delivery = delivery.value_or(Delivery::kPlain);
      ReadAddresses(&reader, &queues->addresses, &link);
      ReadAdvertise(&reader, &link);
      ReadPort(&reader, &link);
      if (queue.has_value() && !queues->in.insert(*queue).second) AddTwice("addresses", *queue, &reader);
      reader.RefuseOthers();
      if (mistakes_.size() == before) links->in.push_back(std::move(link));
      return;
    }
    for (const char* known : {"to_queue", "advertise", "port"}) reader.Find(known);
    reader.RefuseOthers();
  }

  static void AddTwice(absl::string_view with, const std::string& queue, ObjectReader* reader) {
    reader->AddMistake("queue", absl::StrCat("is ", Shown(queue), ", which another link of the service with `", with, "` has too"));
  }

  static std::optional<std::string> ReadQueue(absl::string_view name, ObjectReader* reader) {
    std::optional<std::string> queue = reader->String(name);
    if (!queue.has_value()) return std::nullopt;
    const std::string fault = QueueFault(*queue);
    if (fault.empty()) return queue;
    reader->AddMistake(name, fault);
    return std::nullopt;
  }

  static std::optional<LinkType> ReadType(ObjectReader* reader) {
    const std::optional<std::string> text = reader->String("type");
    reader->Require("type");
    if (!text.has_value()) return std::nullopt;
    const std::optional<LinkType> type = ParseLinkType(*text);
    if (!type.has_value()) reader->AddMistake("type", absl::StrCat("is ", Shown(*text), "; known are ", LinkTypeNames()));
    return type;
  }

  static std::optional<Delivery> ReadDelivery(std::optional<LinkType> type, ObjectReader* reader) {
    const std::optional<std::string> text = reader->String("delivery");
    if (!text.has_value()) return std::nullopt;
    const std::optional<Delivery> delivery = ParseDelivery(*text);
    if (!delivery.has_value()) {
      reader->AddMistake("delivery", absl::StrCat("is ", Shown(*text), "; known are plain, acked"));
    } else if (*delivery == Delivery::kAcked && type.has_value() && *type != LinkType::kPush && *type != LinkType::kPull) {
      reader->AddMistake("delivery", absl::StrCat("is acked, which only PUSH and PULL can be, not ", LinkTypeText(*type)));
    }
    return delivery;
  }

  static void ReadAddresses(ObjectReader* reader, absl::btree_set<std::string>* taken, InLink* link) {
    const std::vector<std::string> texts = reader->Strings("addresses");
    const Json* const json = reader->Find("addresses");
    if (json->is_array() && (json->empty() || json->size() > kAddressesOfLinkMax)) {
      return reader->AddMistake("addresses", absl::StrCat("are ", json->size(), ", 1 to ", kAddressesOfLinkMax, " are allowed"));
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string name = absl::StrCat("addresses[", i, "]");
      absl::StatusOr<Url> address = ReadAddress(texts[i]);
      if (!address.ok()) {
        reader->AddMistake(name, address.status().message());
        continue;
      }
      // A free port may be asked for any number of times.
      const bool is_free = address->scheme == "tcp" && address->port == 0;
      if (!is_free && !taken->insert(discovery::UrlText(*address)).second) {
        reader->AddMistake(name, absl::StrCat("is ", Shown(texts[i]), ", which the service has twice"));
      }
      link->addresses.push_back(*std::move(address));
    }
  }

  static void ReadAdvertise(ObjectReader* reader, InLink* link) {
    const std::optional<std::string> host = reader->String("advertise");
    if (!host.has_value()) return;
    if (!discovery::IsHost(*host) || *host == "0.0.0.0" || *host == "::" || *host == "[::]") {
      return reader->AddMistake("advertise", absl::StrCat("is ", Shown(*host), ", a host that others can dial is wanted"));
    }
    link->advertise = *host;
  }

  static void ReadPort(ObjectReader* reader, InLink* link) {
    const std::optional<std::string> port = reader->String("port");
    if (!port.has_value()) return;
    if (*port != "fixed" && *port != "free") reader->AddMistake("port", absl::StrCat("is ", Shown(*port), "; known are fixed, free"));
    link->port_is_fixed = *port == "fixed";
  }

  Topology topology_;
  std::vector<WrittenOutLink> out_;
  absl::btree_set<std::string> unread_;  // Services with mistakes.
  std::vector<FieldViolation> mistakes_;
};

}  // namespace

absl::StatusOr<Topology> ParseTopology(absl::string_view document) {
  constexpr discovery::JsonBounds kBounds = {.bytes_max = kDocumentBytesMax, .depth_max = kDepthMax};
  if (document.empty()) return InvalidField(Reason::kInvalidField, "document", "is missing or empty, a JSON object is wanted");
  absl::StatusOr<Json> json = discovery::ParseBoundedJson(document, kBounds, "document");
  if (!json.ok()) return StripFields(json.status(), "document.");
  DocumentReader reader;
  reader.Read(*json);
  Topology topology;
  std::vector<FieldViolation> mistakes = reader.Finish(&topology);
  if (mistakes.empty()) return topology;
  mistakes.resize(std::min(mistakes.size(), static_cast<size_t>(kMistakesMax)));
  return InvalidFields(Reason::kInvalidField, std::move(mistakes));
}

}  // namespace scoutlight::topology
