#include "client/gate_endpoint.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/shown.h"
#include "discovery/url.h"

namespace scoutlight {

std::string DialFault(const std::string& url) {
  const absl::StatusOr<discovery::Url> read = discovery::ParseUrl(url);
  if (!read.ok()) return absl::StrCat("is ", Shown(url), ", which ", read.status().message());
  if (read->scheme != "tcp" && read->scheme != "ipc" && read->scheme != "inproc") {
    return absl::StrCat("is ", Shown(url), ", its scheme must be tcp, ipc or inproc");
  }
  if (read->scheme != "tcp") return std::string();
  if (read->port == 0 || !read->rest.empty()) return absl::StrCat("is ", Shown(url), ", tcp://host:port is wanted");
  if (read->host == "0.0.0.0" || read->host == "::")
    return absl::StrCat("is ", Shown(url), ", an address that is only bound, never dialled");
  return std::string();
}

}  // namespace scoutlight
