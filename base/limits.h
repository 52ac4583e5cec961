#ifndef SCOUTLIGHT_BASE_LIMITS_H_
#define SCOUTLIGHT_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

// Every bound that a caller can meet, in one place. Each is checked at the edge it names and tested on both sides.
namespace scoutlight::limits {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// Keys and values.
inline constexpr int kKeySegmentsMax = 32;
inline constexpr size_t kKeyBytesMax = 1024;
inline constexpr size_t kValueBytesMax = 1 * kMiB;

// A store's id.
inline constexpr size_t kStoreIdBytesMax = 64;

// One transaction. Bytes count new and previous entries.
inline constexpr int kOperationsMax = 1024;
inline constexpr int kConditionsMax = 1024;
inline constexpr int kChangesMax = 10'000;
inline constexpr size_t kTransactionBytesMax = 16 * kMiB;

// One request and one answer. Stock gRPC clients take 4 MiB.
inline constexpr size_t kRequestBytesMax = 2 * kMiB;
inline constexpr size_t kAnswerBytesMax = 3 * kMiB + 512 * kKiB;

// One error: its message and its violated fields travel in HTTP trailers, of which stock clients take 8 KiB.
inline constexpr size_t kErrorMessageBytesMax = 768;
inline constexpr size_t kErrorViolationsBytesMax = 2 * kKiB;

// Lists.
inline constexpr int kPageEntriesDefault = 1'000;
inline constexpr int kPageEntriesMax = 10'000;
inline constexpr int kCreationOrderEntriesMax = 10'000;
inline constexpr size_t kPageTokenBytesMax = 4 * kKiB;
inline constexpr int kPinnedViewsMax = 128;
inline constexpr absl::Duration kPinnedViewAgeMax = absl::Seconds(60);

// Idempotency: a request id is remembered this long, at most so many of them.
inline constexpr size_t kRequestIdBytesMax = 64;
inline constexpr size_t kCallerBytesMax = 256;
inline constexpr absl::Duration kRequestIdWindow = absl::Minutes(10);
inline constexpr int kRequestIdsMax = 100'000;

// The write queue: in all, and for one connection.
inline constexpr int kQueuedTransactionsMax = 4'096;
inline constexpr size_t kQueuedBytesMax = 64 * kMiB;
inline constexpr int kQueuedTransactionsPerConnectionMax = kQueuedTransactionsMax / 4;
inline constexpr size_t kQueuedBytesPerConnectionMax = kQueuedBytesMax / 4;

// One group commit.
inline constexpr int kBatchTransactionsMax = 256;
inline constexpr size_t kBatchBytesMax = 4 * kMiB;

// The least free space at which puts may be refused: a batch, and the tables that RocksDB writes from memory.
inline constexpr size_t kDiskReserveBytesMin = 16 * kMiB;

// Reads: work over this many entries leaves the caller's thread for the reader threads, whose queue is bounded.
inline constexpr int kInlineEntriesMax = 64;
inline constexpr int kInlineStoredMax = 1'024;           // Of a catalog's instances that it reads anew: entries that they are made of.
inline constexpr int64_t kInlineRegexWorkMax = 200'000;  // Of regexes: their instructions times the bytes of texts, up to 6 ns each.
inline constexpr int kReaderThreads = 2;
inline constexpr int kQueuedReadsMax = 4'096;

// Leases.
inline constexpr absl::Duration kLeaseTtlMin = absl::Seconds(1);
inline constexpr absl::Duration kLeaseTtlMax = absl::Hours(24);
inline constexpr int kLeasesMax = 1'000'000;
inline constexpr int kKeysPerLeaseMax = 10'000;
inline constexpr int kLeasesExpiredPerSecondMax = 1'000;
inline constexpr int kLeasesPerRenewalMax = 10'000;
inline constexpr size_t kBytesPerLeaseMax = kTransactionBytesMax;  // Of its entries together: they go in one transaction.

// Connections and streams.
inline constexpr int kStreamsPerConnectionMax = 256;
inline constexpr int kStreamsMax = 20'000;  // Of all kinds together, but those of reflection and of gRPC's health service.
inline constexpr int kReflectionStreamsMax = 1'000;

// Watches: multiplexed ones of one connection, of all; what has happened lately and is kept for them in memory; snapshots read at a time.
inline constexpr int kWatchesPerConnectionMax = 10'000;
inline constexpr int kWatchesMax = 1'000'000;
inline constexpr int kRecentBatchesMax = 65'536;
inline constexpr size_t kRecentBytesMax = 64 * kMiB;
inline constexpr int kSnapshotReadsMax = 16;
inline constexpr absl::Duration kHeartbeatMin = absl::Milliseconds(100);
inline constexpr absl::Duration kHeartbeatDefault = absl::Seconds(10);
inline constexpr absl::Duration kHeartbeatMax = absl::Hours(1);

// Discovery: names. Together with a pattern they fit into a key (3 * kNameBytesMax + kPropertyNameBytesMax + kKeyPatternBytesMax).
inline constexpr size_t kNameBytesMax = 200;  // Cluster, service, instance id, schema: each.
inline constexpr size_t kPropertyNameBytesMax = 128;
inline constexpr size_t kKeyPatternBytesMax = 256;
static_assert(3 * kNameBytesMax + kPropertyNameBytesMax + kKeyPatternBytesMax <= kKeyBytesMax);

// Discovery: one instance. Its bytes count the names and values of its properties; JSON may make six of one, and must fit into a value.
inline constexpr int kPropertiesMax = 256;
inline constexpr size_t kPropertyValueBytesMax = 32 * kKiB;
inline constexpr size_t kInstanceBytesMax = 128 * kKiB;
static_assert(6 * kInstanceBytesMax + 8 * kPropertiesMax <= kValueBytesMax);
inline constexpr size_t kUrlBytesMax = 2 * kKiB;
inline constexpr int kProblemsPerInstanceMax = 64;
inline constexpr size_t kSoftCountersMax = 32;

// Discovery: schemas and bindings.
inline constexpr size_t kSchemaDocumentBytesMax = 64 * kKiB;
inline constexpr int kSchemaDocumentDepthMax = 8;
inline constexpr int kSchemaMistakesMax = 64;
inline constexpr int kEnumValuesMax = 256;
inline constexpr size_t kRegexBytesMax = 512;
inline constexpr int64_t kRegexMemoryBytesMax = 256 * kKiB;  // RE2's max_mem: the program of one regex and its cache.
inline constexpr int kRegexInstructionsMax = 1'024;          // Of its program: a hostname's has 503, that of ".{0,64}" 580.
inline constexpr int kSchemasMax = 1'000;
inline constexpr int kSchemaRegexesMax = 4'096;  // Of all schemas together; each may come to hold kRegexMemoryBytesMax.
inline constexpr int kBindingsMax = 10'000;
inline constexpr int kSchemaUsersMax = 1'000;  // Instances that an error counts.
inline constexpr int kSchemaScansMax = 1;      // Deletions that read all records to find them, at one time.
inline constexpr int kKeyPatternsMax = 32;     // Different ones, over all schemas: each key is held against those of its depth.

// Discovery: the catalog. Calls that wait for a revision or for schemas; instances of one RegisterAll, and picks of one Resolve.
inline constexpr int kCatalogWaitersMax = 10'000;
inline constexpr int kBringUpRoundsMax = 1'024;  // Pieces of history, of 1 MiB if there is so much, that a new catalog is brought up with.
inline constexpr int kRegistrationsMax = 1'000;
inline constexpr int kPicksMax = 16;
inline constexpr int kResolverStatesMax = 10'000;
inline constexpr int kResolverCandidatesMax = 1'000'000;
// Regular expressions in the filters of all watches, equal filters counted once, and of all that is kept for Resolve.
inline constexpr int kWatchedRegexesMax = 4'096;
inline constexpr int kResolverRegexesMax = 1'024;
inline constexpr size_t kAffinityKeyBytesMax = 1 * kKiB;
inline constexpr size_t kSessionIdBytesMax = 64;
inline constexpr size_t kOverrideReasonBytesMax = 512;

// Discovery: instances whose owner was lost. Lost in one service within the window, more of a hundred than the share, and at least so many
// (loss_breaker.h): they are held. All of them that are remembered, held or not yet.
inline constexpr absl::Duration kLossWindow = absl::Seconds(10);
inline constexpr absl::Duration kLossHeldMax = absl::Seconds(60);
inline constexpr int kLossSharePercent = 30;
inline constexpr int kLossesHeldMin = 3;
inline constexpr int kLossesRememberedMax = 100'000;
inline constexpr int kLossesConfirmedMax = 1'000;  // Ids of one ConfirmLoss.

// Discovery: writes. How often one is tried that others keep forestalling: a change of an instance, a schema's, the opening of a session.
inline constexpr int kContendedTriesMax = 8;

// Discovery: sessions. Instances of one; changes of one that are under way at a time.
inline constexpr int kSessionInstancesMax = 1'000;
inline constexpr int kSessionChangesMax = 8;

// Discovery: subscribers. Services of one; those that are remembered after their stream; how long a drain waits for them.
inline constexpr int kSubscribedServicesMax = 1'000;
inline constexpr int kSubscriptionsOfOneMax = 2 * kSubscribedServicesMax;  // With those that only its streams before had.
inline constexpr int kServicesNamedMax = 2 * kSubscribedServicesMax;      // In one message.
inline constexpr int kGoneSubscribersMax = 20'000;
inline constexpr size_t kSubscriberIdBytesMax = 64;
inline constexpr absl::Duration kSubscriberGrace = absl::Seconds(15);
inline constexpr int kDrainsMax = 1'000;  // That wait at a time.
inline constexpr int kLaggardsMax = 1'000;
inline constexpr absl::Duration kDrainTimeoutDefault = absl::Seconds(30);
inline constexpr absl::Duration kDrainTimeoutMax = absl::Minutes(10);
inline constexpr absl::Duration kRecentResolverWindow = absl::Seconds(60);
inline constexpr int kRecentResolversMax = 100'000;

// Discovery: one filter expression. A term is a comparison, or one value of an `in` list.
inline constexpr size_t kFilterBytesMax = 4 * kKiB;
inline constexpr int kFilterDepthMax = 32;
inline constexpr int kFilterTermsMax = 256;
inline constexpr int kFilterRegexesMax = 16;

// Discovery: what one pick may be told to avoid; instances a subset strategy keeps; slots of a weighted strategy's table (or four for
// each candidate, if that is more).
inline constexpr int kPickAvoidMax = kPicksMax;
inline constexpr int kSubsetMax = 10'000;
inline constexpr absl::Duration kSlowStartMax = absl::Hours(24);
inline constexpr int kWeightSlotsMax = 16'384;

}  // namespace scoutlight::limits

#endif  // SCOUTLIGHT_BASE_LIMITS_H_
