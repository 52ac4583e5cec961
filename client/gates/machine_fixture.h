#ifndef SCOUTLIGHT_CLIENT_GATES_MACHINE_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_GATES_MACHINE_FIXTURE_H_

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/endpoint_resolver.h"
#include "client/gates/topology_source.h"

namespace scoutlight {

// Feeder to encryptor to emailsink, whose encryptor binds `encryptor_addresses` and whose feeder dials `feeder_outgate`.
inline std::string Mails(const std::string& encryptor_addresses, const std::string& feeder_outgate) {
  return absl::StrCat(R"({"encryptor": {"links": [{"addresses": [)", encryptor_addresses, R"(], "queue": "plaintext", "type": "PULL"},
                                                  {"outgate": "emailsink", "queue": "encrypted", "type": "PUSH"}]},
                          "emailsink": {"links": [{"addresses": ["tcp://127.0.0.1:0"], "queue": "mails", "type": "PULL"}]},
                          "feeder": {"links": [{"outgate": ")",
                      feeder_outgate, R"(", "queue": "plaintext", "type": "PUSH"}]}})");
}
inline constexpr char kAnyPort[] = R"("tcp://127.0.0.1:0")";

// A topology that the test changes.
class SettableTopology final : public TopologySource {
 public:
  absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) override {
    callbacks_.push_back(callback);
    if (newest_ != nullptr) callback(newest_);
    return std::make_unique<TopologySourceWatch>();
  }
  void Set(const std::string& document) {
    absl::StatusOr<std::shared_ptr<TopologySource>> literal = LiteralTopology(document);
    if (!literal.ok()) std::abort();
    const auto watch = (*literal)->Watch([this](absl::StatusOr<TopologyPtr> topology) { newest_ = *std::move(topology); });
    for (const Callback& callback : callbacks_) callback(newest_);
  }

 private:
  TopologyPtr newest_;
  std::vector<Callback> callbacks_;
};

// What stands behind links, as the test says.
class SettableResolver final : public EndpointResolver {
 public:
  absl::StatusOr<std::unique_ptr<EndpointWatch>> Watch(const std::string& service, const std::string& queue, Callback callback) override {
    MutexLock lock(&mu_);
    const std::string link = absl::StrCat(service, "/", queue);
    callback(endpoints_[link]);
    callbacks_[link] = std::move(callback);
    return std::make_unique<EndpointWatch>();
  }
  // `link` is "service/queue".
  void Set(const std::string& link, const std::vector<std::string>& urls) {
    MutexLock lock(&mu_);
    endpoints_[link].clear();
    for (const std::string& url : urls) endpoints_[link].push_back({.url = url});
    if (const auto callback = callbacks_.find(link); callback != callbacks_.end()) callback->second(endpoints_[link]);
  }

 private:
  Mutex mu_;
  std::map<std::string, std::vector<GateEndpoint>> endpoints_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Callback> callbacks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_GATES_MACHINE_FIXTURE_H_
