// What the records of the embedded store cost to make and to read: BM_EncodePath, BM_DecodePath, and by bytes of the value BM_EncodeEntry,
// BM_DecodeEntry, BM_EncodeEvent, BM_DecodeEvent. A put makes one of each, and one `before` record.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "storage/local/layout.h"

namespace scoutlight::storage::layout {
namespace {

const Key kKey = Key::Parse("/cluster/services/Printer/640da76bb2e3/hostname").value();
constexpr Revision kRevision = 1'000'000;

Entry EntryOf(int64_t value_bytes) {
  return {.key = kKey,
          .value = {Value::Form::kText, std::string(static_cast<size_t>(value_bytes), 'v')},
          .create_revision = 1'000,
          .mod_revision = kRevision,
          .version = 7,
          .lease_id = 4'711,
          .has_value = true};
}

EventRecord EventOf(int64_t value_bytes) {
  EventRecord record;
  record.event = {.key = kKey, .kind = EventKind::kPut, .entry = EntryOf(value_bytes)};
  record.committed = absl::FromUnixSeconds(1'800'000'000);
  record.last = true;
  return record;
}

void BM_EncodePath(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(EncodePath(kKey));
}
BENCHMARK(BM_EncodePath);

void BM_DecodePath(benchmark::State& state) {
  const std::string path = EncodePath(kKey);
  for (auto _ : state) benchmark::DoNotOptimize(DecodePath(path));
}
BENCHMARK(BM_DecodePath);

void BM_EncodeEntry(benchmark::State& state) {
  const Entry entry = EntryOf(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(EncodeEntry(entry));
}
BENCHMARK(BM_EncodeEntry)->Arg(128)->Arg(4'096);

void BM_DecodeEntry(benchmark::State& state) {
  const std::string record = EncodeEntry(EntryOf(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(DecodeEntry(kKey, record));
}
BENCHMARK(BM_DecodeEntry)->Arg(128)->Arg(4'096);

void BM_EncodeBefore(benchmark::State& state) {
  const std::string record = EncodeEntry(EntryOf(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(EncodeBefore(record));
}
BENCHMARK(BM_EncodeBefore)->Arg(128);

void BM_EncodeEvent(benchmark::State& state) {
  const EventRecord event = EventOf(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(EncodeEvent(event));
}
BENCHMARK(BM_EncodeEvent)->Arg(128)->Arg(4'096);

void BM_DecodeEvent(benchmark::State& state) {
  const std::string record = EncodeEvent(EventOf(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(DecodeEvent(kRevision, record));
}
BENCHMARK(BM_DecodeEvent)->Arg(128)->Arg(4'096);

}  // namespace
}  // namespace scoutlight::storage::layout

BENCHMARK_MAIN();
