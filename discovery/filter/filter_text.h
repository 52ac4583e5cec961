#ifndef SCOUTLIGHT_DISCOVERY_FILTER_FILTER_TEXT_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_FILTER_TEXT_H_

#include <string>

#include "discovery/filter/filter_node.h"

namespace scoutlight::discovery {

// Brings a tree into the form that equal filters share: no double negation; chains of `and` and `or` flat, sorted by text, without
// repetition; lists sorted, without repetition. What it means stays.
void Canonicalize(FilterNode* node);

// The text of a tree, which parses to it again, no deeper than it was.
std::string FilterText(const FilterNode& node);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_FILTER_TEXT_H_
