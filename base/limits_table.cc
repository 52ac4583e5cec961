#include "base/limits_table.h"

#include <cctype>

#include "absl/time/time.h"
#include "base/limits.h"

namespace scoutlight::limits {
namespace {

template <typename Number>
NamedLimit Named(const char* constant, Number value) {
  return {NameOf(constant), static_cast<int64_t>(value)};
}
NamedLimit Named(const char* constant, absl::Duration value) { return {NameOf(constant) + "_ms", absl::ToInt64Milliseconds(value)}; }

}  // namespace

std::string NameOf(const std::string& constant) {
  std::string name;
  for (const char letter : constant.substr(1)) {
    if (std::isupper(static_cast<unsigned char>(letter)) != 0 && !name.empty()) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return name;
}

// A macro, so that no name stands beside another's value.
#define SCOUTLIGHT_LIMIT(constant) Named(#constant, constant)

std::vector<NamedLimit> Table() {
  return {
      SCOUTLIGHT_LIMIT(kKeySegmentsMax),
      SCOUTLIGHT_LIMIT(kKeyBytesMax),
      SCOUTLIGHT_LIMIT(kValueBytesMax),
      SCOUTLIGHT_LIMIT(kStoreIdBytesMax),
      SCOUTLIGHT_LIMIT(kOperationsMax),
      SCOUTLIGHT_LIMIT(kConditionsMax),
      SCOUTLIGHT_LIMIT(kChangesMax),
      SCOUTLIGHT_LIMIT(kTransactionBytesMax),
      SCOUTLIGHT_LIMIT(kRequestBytesMax),
      SCOUTLIGHT_LIMIT(kAnswerBytesMax),
      SCOUTLIGHT_LIMIT(kPageEntriesDefault),
      SCOUTLIGHT_LIMIT(kPageEntriesMax),
      SCOUTLIGHT_LIMIT(kCreationOrderEntriesMax),
      SCOUTLIGHT_LIMIT(kPageTokenBytesMax),
      SCOUTLIGHT_LIMIT(kPinnedViewsMax),
      SCOUTLIGHT_LIMIT(kPinnedViewAgeMax),
      SCOUTLIGHT_LIMIT(kRequestIdBytesMax),
      SCOUTLIGHT_LIMIT(kRequestIdWindow),
      SCOUTLIGHT_LIMIT(kRequestIdsMax),
      SCOUTLIGHT_LIMIT(kQueuedTransactionsMax),
      SCOUTLIGHT_LIMIT(kQueuedBytesMax),
      SCOUTLIGHT_LIMIT(kQueuedTransactionsPerConnectionMax),
      SCOUTLIGHT_LIMIT(kQueuedBytesPerConnectionMax),
      SCOUTLIGHT_LIMIT(kDiskReserveBytesMin),
      SCOUTLIGHT_LIMIT(kQueuedReadsMax),
      SCOUTLIGHT_LIMIT(kLeaseTtlMin),
      SCOUTLIGHT_LIMIT(kLeaseTtlMax),
      SCOUTLIGHT_LIMIT(kLeasesMax),
      SCOUTLIGHT_LIMIT(kKeysPerLeaseMax),
      SCOUTLIGHT_LIMIT(kLeasesExpiredPerSecondMax),
      SCOUTLIGHT_LIMIT(kLeasesPerRenewalMax),
      SCOUTLIGHT_LIMIT(kBytesPerLeaseMax),
      SCOUTLIGHT_LIMIT(kStreamsPerConnectionMax),
      SCOUTLIGHT_LIMIT(kStreamsMax),
      SCOUTLIGHT_LIMIT(kReflectionStreamsMax),
      SCOUTLIGHT_LIMIT(kWatchesPerConnectionMax),
      SCOUTLIGHT_LIMIT(kWatchesMax),
      SCOUTLIGHT_LIMIT(kHeartbeatMin),
      SCOUTLIGHT_LIMIT(kHeartbeatDefault),
      SCOUTLIGHT_LIMIT(kHeartbeatMax),
      SCOUTLIGHT_LIMIT(kNameBytesMax),
      SCOUTLIGHT_LIMIT(kPropertyNameBytesMax),
      SCOUTLIGHT_LIMIT(kKeyPatternBytesMax),
      SCOUTLIGHT_LIMIT(kPropertiesMax),
      SCOUTLIGHT_LIMIT(kPropertyValueBytesMax),
      SCOUTLIGHT_LIMIT(kInstanceBytesMax),
      SCOUTLIGHT_LIMIT(kUrlBytesMax),
      SCOUTLIGHT_LIMIT(kProblemsPerInstanceMax),
      SCOUTLIGHT_LIMIT(kSoftCountersMax),
      SCOUTLIGHT_LIMIT(kSchemaDocumentBytesMax),
      SCOUTLIGHT_LIMIT(kSchemaDocumentDepthMax),
      SCOUTLIGHT_LIMIT(kSchemaMistakesMax),
      SCOUTLIGHT_LIMIT(kEnumValuesMax),
      SCOUTLIGHT_LIMIT(kRegexBytesMax),
      SCOUTLIGHT_LIMIT(kRegexInstructionsMax),
      SCOUTLIGHT_LIMIT(kSchemasMax),
      SCOUTLIGHT_LIMIT(kSchemaRegexesMax),
      SCOUTLIGHT_LIMIT(kBindingsMax),
      SCOUTLIGHT_LIMIT(kSchemaUsersMax),
      SCOUTLIGHT_LIMIT(kSchemaScansMax),
      SCOUTLIGHT_LIMIT(kKeyPatternsMax),
      SCOUTLIGHT_LIMIT(kCatalogWaitersMax),
      SCOUTLIGHT_LIMIT(kRegistrationsMax),
      SCOUTLIGHT_LIMIT(kPicksMax),
      SCOUTLIGHT_LIMIT(kResolverStatesMax),
      SCOUTLIGHT_LIMIT(kResolverCandidatesMax),
      SCOUTLIGHT_LIMIT(kWatchedRegexesMax),
      SCOUTLIGHT_LIMIT(kResolverRegexesMax),
      SCOUTLIGHT_LIMIT(kAffinityKeyBytesMax),
      SCOUTLIGHT_LIMIT(kSessionIdBytesMax),
      SCOUTLIGHT_LIMIT(kOverrideReasonBytesMax),
      SCOUTLIGHT_LIMIT(kLossWindow),
      SCOUTLIGHT_LIMIT(kLossHeldMax),
      SCOUTLIGHT_LIMIT(kLossSharePercent),
      SCOUTLIGHT_LIMIT(kLossesHeldMin),
      SCOUTLIGHT_LIMIT(kLossesRememberedMax),
      SCOUTLIGHT_LIMIT(kLossesConfirmedMax),
      SCOUTLIGHT_LIMIT(kContendedTriesMax),
      SCOUTLIGHT_LIMIT(kSessionInstancesMax),
      SCOUTLIGHT_LIMIT(kSubscribedServicesMax),
      SCOUTLIGHT_LIMIT(kSubscriptionsOfOneMax),
      SCOUTLIGHT_LIMIT(kServicesNamedMax),
      SCOUTLIGHT_LIMIT(kGoneSubscribersMax),
      SCOUTLIGHT_LIMIT(kSubscriberIdBytesMax),
      SCOUTLIGHT_LIMIT(kSubscriberGrace),
      SCOUTLIGHT_LIMIT(kDrainsMax),
      SCOUTLIGHT_LIMIT(kLaggardsMax),
      SCOUTLIGHT_LIMIT(kDrainTimeoutDefault),
      SCOUTLIGHT_LIMIT(kDrainTimeoutMax),
      SCOUTLIGHT_LIMIT(kRecentResolverWindow),
      SCOUTLIGHT_LIMIT(kRecentResolversMax),
      SCOUTLIGHT_LIMIT(kFilterBytesMax),
      SCOUTLIGHT_LIMIT(kFilterDepthMax),
      SCOUTLIGHT_LIMIT(kFilterTermsMax),
      SCOUTLIGHT_LIMIT(kFilterRegexesMax),
      SCOUTLIGHT_LIMIT(kPickAvoidMax),
      SCOUTLIGHT_LIMIT(kSubsetMax),
      SCOUTLIGHT_LIMIT(kSlowStartMax),
  };
}

#undef SCOUTLIGHT_LIMIT

}  // namespace scoutlight::limits
