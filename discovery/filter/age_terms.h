#ifndef SCOUTLIGHT_DISCOVERY_FILTER_AGE_TERMS_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_AGE_TERMS_H_

namespace scoutlight::discovery {

// Whether a filter may look at the age of instances. In a watch it may not: the answer would change without a change.
enum class AgeTerms { kAllowed, kRefused };

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_AGE_TERMS_H_
