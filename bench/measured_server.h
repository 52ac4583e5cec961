#ifndef SCOUTLIGHT_BENCH_MEASURED_SERVER_H_
#define SCOUTLIGHT_BENCH_MEASURED_SERVER_H_

#include <sys/types.h>

#include <string>

#include "bench/requests.h"

namespace scoutlight::bench {

struct MeasuredServer {
  std::string address;  // "host:port", without TLS.
  Api api = Api::kRegistry;
  pid_t pid = 0;
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_MEASURED_SERVER_H_
