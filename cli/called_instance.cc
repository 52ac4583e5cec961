#include "cli/called_instance.h"

#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "client/service_pool.h"

namespace scoutlight::cli {
namespace {

constexpr int kAnswerBytesMax = 16 << 20;
// Tried in turn if none is named; empty: whatever the instance has.
constexpr absl::string_view kEndpoints[] = {"grpc", "grpcs", ""};
// The same where files of TLS are given: it is spoken to whichever there is.
constexpr absl::string_view kTlsEndpoints[] = {"grpcs", "grpc", ""};

// A pool's "stub": the channel itself.
struct InstanceChannel {
  explicit InstanceChannel(std::shared_ptr<grpc::Channel> to) : channel(std::move(to)) {}
  std::shared_ptr<grpc::Channel> channel;
};

}  // namespace

absl::Status OfInstance(const CalledInstance& instance, const absl::Status& failed) {
  absl::Status named(failed.code(), absl::StrCat("the instance ", instance.id, ": ", failed.message()));
  failed.ForEachPayload([&named](absl::string_view type, const absl::Cord& payload) { named.SetPayload(type, payload); });
  return named;
}

absl::StatusOr<CalledInstance> PickInstance(const std::string& service, const InstanceChoice& choice, Locator* locator) {
  absl::StatusOr<ResolveOptions> resolve = choice.Options();
  if (!resolve.ok()) return resolve.status();
  const absl::StatusOr<TlsCredentials> tls = choice.Credentials();
  if (!tls.ok()) return tls.status();
  ServicePoolOptions options{.resolve = *std::move(resolve)};
  options.arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  const bool has_files = !tls->root_ca.empty() || !tls->certificate_chain.empty() || !tls->private_key.empty();
  if (has_files) {
    options.credentials = grpc::SslCredentials({tls->root_ca, tls->private_key, tls->certificate_chain});
  }
  absl::Status none;
  for (const absl::string_view endpoint : has_files ? kTlsEndpoints : kEndpoints) {
    options.resolve.endpoint = choice.endpoint().empty() ? std::string(endpoint) : choice.endpoint();
    ServicePool<InstanceChannel> pool(*locator, service, options);
    const PickedStub<InstanceChannel> picked = pool.Pick({.affinity_key = choice.affinity_key()});
    if (picked.ok()) return CalledInstance{picked.pick()->instance().name.id, picked->channel};
    none = picked.status();
    if (!choice.endpoint().empty() || ReasonOf(none) != Reason::kNoneMatches) break;
  }
  return none;
}

}  // namespace scoutlight::cli
