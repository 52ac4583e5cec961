#ifndef SCOUTLIGHT_SERVER_VERSION_H_
#define SCOUTLIGHT_SERVER_VERSION_H_

namespace scoutlight::server {

// Of this program, as `--version` and AdminService/Status tell it.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_VERSION_H_
