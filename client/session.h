#ifndef SCOUTLIGHT_CLIENT_SESSION_H_
#define SCOUTLIGHT_CLIENT_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/registration.h"
#include "client/session_options.h"
#include "client/value_object.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight {

namespace client {
class SessionCore;
}  // namespace client

// Keeps what a program wants registered so: whatever becomes of its lease, its connection, the server and the server's data, until it
// leaves, or another session takes an instance over.
//
//   auto connection = scoutlight::Connection::Open({.endpoints = {"127.0.0.1:7400"}});
//   auto session = scoutlight::Session::Open(*connection);
//   auto printer = session->Register("Printer", {{"hostname", "10.0.0.5"}, {"port", "8001"}, {"protocol", "http"}});
//
// One stream for all instances: heartbeats at a third of the ttl, at least every 10 s. A server that does not answer one for so long, but
// at most 5 s, is given up for the next, or for another stream; streams are opened again after 50 ms to 2 s, at most an eighth of the ttl,
// or what the server asks for; for ever. A refusal of the session as a whole (kPermissionDenied, kUnauthenticated, kUnimplemented,
// kInvalidArgument) is told of every instance, and tried again at the slowest pace. An instance that its service's schema forbids is told
// as kRefused with every violated field, as far as the server tells them (2 KiB of text), beside others that are registered; it is tried
// again when schemas change, and what was registered of it before stays.
//
// A process that opens the session with the same id takes it over: after three times within 10 s of each other this one tells all instances
// as kFenced, and stops until one is registered again. The program may fork only before its first connection.
//
// Thread-safe, but for moving and destroying. Nothing but WaitUntilRegistered, Leave, the destructor and move assignment blocks.
class Session {
 public:
  // Does not wait for the server. kInvalidArgument: every violated field of `options`.
  static absl::StatusOr<Session> Open(const Connection& connection, SessionOptions options = {});

  Session(Session&& other) noexcept;
  // The session that was here ends as in the destructor.
  Session& operator=(Session&& other) noexcept;
  // As SessionOptions::on_destroy says, which takes at most 500 ms; and waits for a callback that runs, unless it is called by that one.
  ~Session();

  // Wants an instance registered from now on, in place of what was wanted of it before, and returns its name at once. Without an id it gets
  // this session's own, the same for every service: so the same call again changes the registration. At most limits::kSessionInstancesMax
  // are wanted at a time, with at most limits::kBytesPerLeaseMax of properties, names and values; what does not fit onto the session's
  // lease (limits::kKeysPerLeaseMax, and those bytes with keys and records) is told as kRefused. A program that has more registers them
  // over several sessions. kInvalidArgument: every violated field (discovery::CheckInstance); what the schema says comes as a state.
  // kResourceExhausted: too many or too large, those included that are still to go, or to be told to the callback. kFailedPrecondition: the
  // session is leaving. On error nothing has changed.
  absl::StatusOr<discovery::InstanceName> Register(Registration registration, IfOwned if_owned = IfOwned::kRefuse);
  absl::StatusOr<discovery::InstanceName> Register(absl::string_view service, discovery::Properties properties,
                                                   IfOwned if_owned = IfOwned::kRefuse);
  // An object of the program's own (client/value_object.h).
  template <typename Object>
  requires(!std::is_convertible_v<const Object&, discovery::Properties>) absl::StatusOr<discovery::InstanceName> Register(
      absl::string_view service, const Object& object, IfOwned if_owned = IfOwned::kRefuse) {
    absl::StatusOr<discovery::Properties> properties = ToProperties(object);
    if (!properties.ok()) return properties.status();
    return Register(service, *std::move(properties), if_owned);
  }
  // All, or on error none; each instance once. Fields are named "[2].properties.port".
  absl::StatusOr<std::vector<discovery::InstanceName>> RegisterAll(std::vector<Registration> registrations,
                                                                   IfOwned if_owned = IfOwned::kRefuse);

  // Wants it no longer: it is deregistered, if it is the session's. kNotFound: it was not wanted. kResourceExhausted: the program asks
  // faster than that is taken in.
  absl::Status Unregister(const discovery::InstanceName& name);

  // What changes often: goes with a heartbeat, at most a second later, and the newest values again whenever the instance is registered
  // anew. kNotFound: it is not wanted. kInvalidArgument: every violated field (discovery::CheckSoftValues).
  absl::Status SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft);

  // How it stands with an instance; nullopt: it is not wanted, and not there.
  std::optional<RegistrationReport> StateOf(const discovery::InstanceName& name) const;

  // Waits until all that is wanted is registered as it was asked for last: an answer to what was wanted of an instance before does not
  // count. kDeadlineExceeded: names one that is not, and why. The error of one that is fenced, or refused for what it is
  // (kInvalidArgument), at once.
  absl::Status WaitUntilRegistered(absl::Duration timeout = absl::Seconds(10)) const;

  // Says goodbye: takes each instance out of work, waits until everybody who could send it some has confirmed that it does not any more,
  // and deregisters it; instances that are lost meanwhile do not come back. One whose registration or change no server has answered yet is
  // waited for, as part of the drain's timeout. Takes at most the sum of the times in `options`, and a few seconds. Nothing can be
  // registered any more. kInvalidArgument: every violated field; nothing has changed. kFailedPrecondition: it has been called before.
  absl::StatusOr<LeaveReport> Leave(LeaveOptions options = {});

  // Drawn, or as given. Whoever knows it can take the session over.
  const std::string& session_id() const;

 private:
  explicit Session(std::shared_ptr<client::SessionCore> core) : core_(std::move(core)) {}

  std::shared_ptr<client::SessionCore> core_;  // Null: moved from; then nothing may be called.
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_SESSION_H_
