#ifndef SCOUTLIGHT_BASE_LIMITS_TABLE_H_
#define SCOUTLIGHT_BASE_LIMITS_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace scoutlight::limits {

// A bound of limits.h for people to read: kLeaseTtlMax is "lease_ttl_max_ms".
struct NamedLimit {
  std::string name;  // A duration's ends in _ms, and its value is in milliseconds.
  int64_t value = 0;
};

// Every bound of limits.h that a caller or an operator can meet, in its order. limits_table_test.cc reads limits.h, and fails when one is
// missing here and not among the exceptions that it names.
std::vector<NamedLimit> Table();

// "key_bytes_max" of "kKeyBytesMax".
std::string NameOf(const std::string& constant);

}  // namespace scoutlight::limits

#endif  // SCOUTLIGHT_BASE_LIMITS_TABLE_H_
