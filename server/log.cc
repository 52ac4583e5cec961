#include "server/log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace scoutlight::server {
namespace {

std::string TimeOf(const spdlog::details::log_msg& message) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(message.time), absl::UTCTimeZone());
}

std::string LevelOf(const spdlog::details::log_msg& message) {
  switch (message.level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

std::string TextLine(const spdlog::details::log_msg& message) {
  std::string line = absl::StrCat(TimeOf(message), " ", LevelOf(message), " ");
  for (const char c : absl::string_view(message.payload.data(), message.payload.size())) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += absl::CHexEscape(absl::string_view(&c, 1));
    } else {
      line += c;
    }
  }
  return line;
}

std::string JsonLine(const spdlog::details::log_msg& message) {
  nlohmann::ordered_json line;
  line["time"] = TimeOf(message);
  line["level"] = LevelOf(message);
  line["message"] = std::string(message.payload.data(), message.payload.size());
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string line = absl::StrCat(format_ == LogFormat::kJson ? JsonLine(message) : TextLine(message), "\n");
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(format_); }

 private:
  const LogFormat format_;
};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void StartLog(LogLevel level, LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("scoutlightd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(format));
  logger->set_level(SpdlogLevel(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_verbosity(level == LogLevel::kDebug ? GPR_LOG_SEVERITY_INFO : GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function([](gpr_log_func_args* args) { spdlog::debug("grpc: {}", args->message); });
  google::protobuf::SetLogHandler(
      [](google::protobuf::LogLevel, const char*, int, const std::string& message) { spdlog::debug("protobuf: {}", message); });
}

void LogAlways(const std::string& message) {
  const spdlog::details::log_msg line("scoutlightd", spdlog::level::info, message);
  for (const spdlog::sink_ptr& sink : spdlog::default_logger_raw()->sinks()) {
    sink->log(line);
    sink->flush();
  }
}

}  // namespace scoutlight::server
