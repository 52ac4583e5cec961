#ifndef SCOUTLIGHT_BENCH_DISCOVERY_WIRE_H_
#define SCOUTLIGHT_BENCH_DISCOVERY_WIRE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"

// The messages of discovery, for instances whose names and properties are made of numbers.
namespace scoutlight::bench {

// Services of equal size. Instances are numbered through: those of service 0 first.
struct Fleet {
  std::string prefix = "fleet";  // Of the services' names, so that several fleets live beside each other.
  int services = 1'000;
  int instances_per_service = 100;

  int instances() const { return services * instances_per_service; }
};

constexpr int kRegistrationsPerCall = 1'000;  // As many as one RegisterAll takes.

// "/package.Service/Method"
extern const char kRegisterMethod[];
extern const char kRegisterAllMethod[];
extern const char kUpdateMethod[];
extern const char kResolveMethod[];
extern const char kWatchInstancesMethod[];

std::string ServiceOf(const Fleet& fleet, int service);

// Registers an instance of six properties, with a lease of its own that lasts an hour.
grpc::ByteBuffer RegisterBytes(const Fleet& fleet, int instance);
// The instances from `first` on, at most kRegistrationsPerCall.
grpc::ByteBuffer RegisterAllBytes(const Fleet& fleet, int first);
// Picks by round robin.
grpc::ByteBuffer ResolveBytes(const std::string& service);
// From now on, without heartbeats for an hour.
grpc::ByteBuffer WatchInstancesBytes(const std::string& service);
// Puts the time it was sent in place of an instance's version, a property of all of them.
grpc::ByteBuffer StampedUpdateBytes(const Fleet& fleet, int instance, absl::Duration sent);

// What an answer to RegisterBytes, RegisterAllBytes or ResolveBytes of so many instances holds at least.
size_t AnswerBytesMin(int instances);

// The time in an instance's version. kInternal: there is none.
absl::StatusOr<absl::Duration> StampOf(const std::string& version);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_DISCOVERY_WIRE_H_
