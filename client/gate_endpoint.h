#ifndef SCOUTLIGHT_CLIENT_GATE_ENDPOINT_H_
#define SCOUTLIGHT_CLIENT_GATE_ENDPOINT_H_

#include <string>

#include "base/entry.h"

namespace scoutlight {

// Where a gate that binds can be dialled.
struct GateEndpoint {
  std::string url;       // tcp://host:port, ipc:///path or inproc://name. Endpoints with the same URL are the same.
  std::string instance;  // The id of the instance that it belongs to; empty: not known.
  Revision epoch = 0;    // Of that instance; 0: not known.

  friend bool operator==(const GateEndpoint&, const GateEndpoint&) = default;
};

// What is wrong with a URL to dial, in words that go on after the field's name; empty: nothing. Addresses that stand for all of a machine's
// (0.0.0.0, ::) are never dialled. Thread-safe.
std::string DialFault(const std::string& url);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATE_ENDPOINT_H_
