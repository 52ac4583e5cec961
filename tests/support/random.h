#ifndef SCOUTLIGHT_TESTS_SUPPORT_RANDOM_H_
#define SCOUTLIGHT_TESTS_SUPPORT_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace scoutlight::testing {

using Random = std::mt19937_64;

// SCOUTLIGHT_SEED, or a fresh seed; printed and recorded with the test, so that a failed run can be repeated.
uint64_t Seed();

// A number of [low, high].
int Between(int low, int high, Random* random);

// Bytes that no compression makes smaller.
std::string RandomBytes(size_t count, Random* random);

// Whether the long form of a test is asked for (./dev torture).
bool IsTorture();

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_RANDOM_H_
