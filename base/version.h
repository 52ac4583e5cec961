#ifndef SCOUTLIGHT_BASE_VERSION_H_
#define SCOUTLIGHT_BASE_VERSION_H_

namespace scoutlight {

// Of a release: what `--version` of the programs and AdminService/Status tell.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_VERSION_H_
