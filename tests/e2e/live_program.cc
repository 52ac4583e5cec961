#include "tests/e2e/live_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace scoutlight::testing {

LiveProgram::LiveProgram(Options options) : options_(std::move(options)) {
  const absl::StatusOr<Connection> connection = Connection::Open({.endpoints = options_.endpoints});
  session_ =
      Session::Open(connection.value(),
                    {.session_id = options_.session_id, .ttl = options_.ttl, .on_change = [this](const auto& report) { OnChange(report); }})
          .value();
  std::vector<Registration> all;
  for (const std::string& id : options_.ids) {
    all.push_back({.service = "Printer", .id = id, .properties = {{"hostname", "127.0.0.1"}, {"port", "8001"}}});
  }
  const auto names = session_->RegisterAll(std::move(all), options_.if_owned);
  EXPECT_TRUE(names.ok()) << names.status();
}

LiveProgram::~LiveProgram() = default;

std::map<std::string, Revision> LiveProgram::Epochs() const {
  std::map<std::string, Revision> epochs;
  for (const std::string& id : options_.ids) {
    const std::optional<RegistrationReport> report = session_->StateOf(NameOf(id));
    if (report.has_value() && report->state == RegistrationState::kRegistered) epochs[id] = report->epoch;
  }
  return epochs;
}

bool LiveProgram::Is(RegistrationState state) const {
  return std::all_of(options_.ids.begin(), options_.ids.end(), [&](const std::string& id) {
    const std::optional<RegistrationReport> report = session_->StateOf(NameOf(id));
    return report.has_value() && report->state == state;
  });
}

void LiveProgram::OnChange(const RegistrationReport& report) {
  const MutexLock lock(&mu_);
  if (report.state != RegistrationState::kRegistered) return;
  Revision& highest = highest_[report.name.id];
  if (!store_is_replaced_) {
    EXPECT_GE(report.epoch, highest) << options_.session_id << " of " << report.name.id;
  }
  highest = report.epoch;
}

}  // namespace scoutlight::testing
