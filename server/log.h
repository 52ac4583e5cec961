#ifndef SCOUTLIGHT_SERVER_LOG_H_
#define SCOUTLIGHT_SERVER_LOG_H_

#include <string>

namespace scoutlight::server {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat {
  kText,  // 2026-11-22T08:15:00.123Z info message
  kJson,  // {"time": "2026-11-22T08:15:00.123Z", "level": "info", "message": "message"}
};

// Sends what is logged through spdlog at or above `level` to stderr, one line each; control characters are escaped. What gRPC and
// protobuf log goes there too, at debug level, because callers can provoke it. Call once, before other threads start.
void StartLog(LogLevel level, LogFormat format);

// Logs `message` as info at every level.
void LogAlways(const std::string& message);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_LOG_H_
