#include "client/connection_options.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"

namespace scoutlight {
namespace {

constexpr size_t kEndpointsMax = 16;
constexpr size_t kEndpointBytesMax = 512;
constexpr absl::Duration kTimeoutMin = absl::Milliseconds(1);
constexpr absl::Duration kTimeoutMax = absl::Minutes(10);

// What is wrong with "host:port"; empty: nothing.
std::string EndpointFault(absl::string_view text) {
  if (text.size() > kEndpointBytesMax) return absl::StrCat("has ", text.size(), " bytes, at most ", kEndpointBytesMax);
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return absl::StrCat("must be host:port, is \"", text, "\"");
  const absl::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":[]/ ") != absl::string_view::npos) {
    return absl::StrCat("has a host that is no name or address (IPv6 goes in brackets): \"", host, "\"");
  }
  int port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 || port > 65'535) {
    return absl::StrCat("must end with a port, 1 to 65535, ends with \"", text.substr(colon + 1), "\"");
  }
  return "";
}

}  // namespace

absl::Status CheckOptions(const ConnectionOptions& options) {
  std::vector<FieldViolation> wrong;
  if (options.endpoints.empty() || options.endpoints.size() > kEndpointsMax) {
    wrong.push_back({"endpoints", absl::StrCat("must be 1 to ", kEndpointsMax, ", are ", options.endpoints.size())});
  }
  for (size_t i = 0; i < options.endpoints.size() && i < kEndpointsMax; ++i) {
    std::string fault = EndpointFault(options.endpoints[i]);
    if (!fault.empty()) wrong.push_back({absl::StrCat("endpoints[", i, "]"), std::move(fault)});
  }
  if (options.tls.has_value() && options.tls->certificate_chain.empty() != options.tls->private_key.empty()) {
    wrong.push_back({"tls", "has a certificate chain or a private key without the other"});
  }
  if (options.timeout < kTimeoutMin || options.timeout > kTimeoutMax) {
    wrong.push_back({"timeout", absl::StrCat("must be ", absl::FormatDuration(kTimeoutMin), " to ", absl::FormatDuration(kTimeoutMax),
                                             ", is ", absl::FormatDuration(options.timeout))});
  }
  return wrong.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(wrong));
}

}  // namespace scoutlight
