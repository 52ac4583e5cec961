#ifndef SCOUTLIGHT_CLI_VERSION_H_
#define SCOUTLIGHT_CLI_VERSION_H_

namespace scoutlight::cli {

// The same as the server's of one release: a test holds them together.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_VERSION_H_
