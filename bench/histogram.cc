#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace scoutlight::bench {

int Histogram::BucketOf(uint64_t ns) {
  if (ns < (1u << kExactBits)) return static_cast<int>(ns);
  // The highest kExactBits bits of the value choose the bucket; the first of them is always set.
  const int shift = std::bit_width(ns) - kExactBits;
  const int half = 1 << (kExactBits - 1);
  return (1 << kExactBits) + (shift - 1) * half + static_cast<int>(ns >> shift) - half;
}

uint64_t Histogram::UpperBoundOf(int bucket) {
  if (bucket < (1 << kExactBits)) return static_cast<uint64_t>(bucket);
  const int half = 1 << (kExactBits - 1);
  const int above = bucket - (1 << kExactBits);
  const int shift = above / half + 1;
  return (static_cast<uint64_t>(above % half + half + 1) << shift) - 1;
}

void Histogram::Record(absl::Duration duration) {
  const absl::Duration bounded = std::clamp(duration, absl::Nanoseconds(1), absl::Minutes(5));
  const int64_t ns = absl::ToInt64Nanoseconds(bounded);
  ++buckets_[static_cast<size_t>(BucketOf(static_cast<uint64_t>(ns)))];
  ++count_;
  max_ns_ = std::max(max_ns_, ns);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

absl::Duration Histogram::Percentile(double fraction) const {
  const auto rank = static_cast<int64_t>(std::ceil(fraction * static_cast<double>(count_)));
  int64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[static_cast<size_t>(bucket)];
    if (seen >= rank && seen > 0) return std::min(absl::Nanoseconds(UpperBoundOf(bucket)), max());
  }
  return absl::ZeroDuration();
}

}  // namespace scoutlight::bench
