// What an event costs the hub before gRPC has it: BM_MatchEvent (which of so many interests it belongs to, each of a key of its own, and
// one of the tree), BM_BuildChanges (a frame of so many events), BM_ShareFrame (one put of a key that so many streams watch: matched, made
// into a frame once, handed to each).
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/watch/interest_index.h"
#include "server/watch/watch_dispatcher.h"
#include "server/watch/watch_frame.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"

namespace scoutlight::server {
namespace {

const StoreId kStoreId = "00112233445566778899aabbccddeeff";
// A prime: scatters the events.
constexpr int64_t kStride = 7919;
// Named, so that a large index is not filled again for each guess at a number.
constexpr int64_t kMatches = 500'000;

Key KeyOf(int64_t number) { return Key::Parse(absl::StrCat("/bench/instances/", 1'000'000'000 + number)).value(); }

Event PutOf(const Key& key, Revision revision) {
  Entry entry = {.key = key,
                 .value = {Value::Form::kText, std::string(128, 'v')},
                 .create_revision = 2,
                 .mod_revision = revision,
                 .version = revision,
                 .has_value = true};
  return {.key = key, .kind = EventKind::kPut, .entry = std::move(entry)};
}

void BM_MatchEvent(benchmark::State& state) {
  InterestIndex index;
  std::vector<Key> keys;
  for (int64_t i = 0; i < state.range(0); ++i) {
    keys.push_back(KeyOf(i));
    index.Acquire({.key = keys.back(), .scope = Scope::kKey}, Previous::kLeftOut);
  }
  index.Acquire({.key = Key::Parse("/bench").value(), .scope = Scope::kSubtree}, Previous::kLeftOut);
  int64_t matches = 0, number = 0;
  for (auto _ : state) {
    index.ForEachMatch(keys[static_cast<size_t>(++number * kStride % state.range(0))], [&matches](Interest&) { ++matches; });
  }
  if (matches != 2 * number) state.SkipWithError("an event that not both interests want");
}
BENCHMARK(BM_MatchEvent)->Arg(10)->Arg(10'000)->Arg(1'000'000)->Iterations(kMatches);

void BM_BuildChanges(benchmark::State& state) {
  Batch batch{.revision = 7, .committed = absl::FromUnixSeconds(1'800'000'000), .events = {}};
  Matches matches{&batch, {}};
  for (int64_t i = 0; i < state.range(0); ++i) {
    batch.events.push_back(PutOf(KeyOf(i), batch.revision));
    matches.events.push_back(static_cast<uint32_t>(i));
  }
  const ChangesForm form = {.store_id = kStoreId, .previous = Previous::kLeftOut, .bytes_max = limits::kAnswerBytesMax};
  for (auto _ : state) benchmark::DoNotOptimize(BuildChanges({matches}, {batch.revision, 0}, batch.revision, form));
}
BENCHMARK(BM_BuildChanges)->Arg(1)->Arg(100);

// A call that gRPC is done with at once.
class SinkStream final : public WatchStream {
 public:
  void Write(int64_t, const FrameBytes& frame) override { last_ = frame; }
  void ReadNext() override {}
  void Finish(const WatchEnd&) override {}

  const FrameBytes& last() const { return last_; }

 private:
  FrameBytes last_;
};

void BM_ShareFrame(benchmark::State& state) {
  storage::LocalStoreOptions options;
  options.random = [random = std::mt19937_64(7)]() mutable { return random(); };
  const auto store = storage::OpenLocalStore(storage::NewMemoryEngine(kStoreId), std::move(options)).value();
  WatchDispatcher dispatcher(store.get(), std::make_shared<WatchInbox>(limits::kRecentBatchesMax, limits::kRecentBytesMax), WatchLimits());
  dispatcher.BeginRound(absl::ZeroDuration(), false);
  Revision revision = 1;
  dispatcher.StartAt(revision);
  const Key key = KeyOf(0);
  std::vector<std::shared_ptr<SinkStream>> streams;
  for (int64_t i = 0; i < state.range(0); ++i) {
    SinkStream* const stream = streams.emplace_back(std::make_shared<SinkStream>()).get();
    dispatcher.Open(streams.back(), Stream::Form::kOne, 1);
    dispatcher.Command(stream, CreateWatch{.watch_id = 0, .spec = WatchSpec{.range = {.key = key, .scope = Scope::kKey}}});
    dispatcher.OnWritten(stream);
  }
  for (auto _ : state) {
    const auto batch = std::make_shared<const Batch>(Batch{.revision = ++revision, .committed = {}, .events = {PutOf(key, revision)}});
    dispatcher.ShowBatches({batch}, revision);
    for (const auto& stream : streams) dispatcher.OnWritten(stream.get());
  }
  if (streams.front()->last() != streams.back()->last()) state.SkipWithError("frames that are not shared");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ShareFrame)->Arg(1)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace scoutlight::server

BENCHMARK_MAIN();
