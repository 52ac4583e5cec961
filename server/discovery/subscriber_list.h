#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_LIST_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/entry.h"
#include "discovery/names.h"
#include "server/discovery/subscriber_table.h"

namespace scoutlight::server {

struct SubscribersQuery {
  discovery::ServiceName service;  // Each part empty: any.
  std::string after;               // The last id of the page before.
  int subscribers_max = 1;
};

struct SubscribersPage {
  struct Entry {
    std::string subscriber_id;
    std::string peer;
    int services = 0;
    int64_t sent = 0;
    int64_t confirmed = 0;
    bool gone = false;
  };
  std::vector<Entry> subscribers;  // By id.
  std::string last;                // The page comes up to this id; empty: to the end.
  Revision revision = 0;           // Of the catalog; not set by ListSubscribers().
};

// The subscribers that a query asks for. A page ends early, maybe without any, when 20,000 subscribers and services have been looked at.
SubscribersPage ListSubscribers(const SubscriberTable& table, const SubscribersQuery& query);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_LIST_H_
