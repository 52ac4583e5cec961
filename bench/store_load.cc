#include "bench/store_load.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/calls_in_flight.h"
#include "bench/connect.h"
#include "bench/process_cpu.h"
#include "bench/steady_now.h"
#include "bench/step_queue.h"
#include "bench/unary_call.h"

namespace scoutlight::bench {
namespace {

constexpr int kConnections = 4;
constexpr int kFillsInFlight = 16;
constexpr size_t kValueBytes = 128;
constexpr int kCopyPage = 5'000;
constexpr absl::Duration kServingTimeout = absl::Seconds(60);
constexpr std::chrono::milliseconds kAskAgain(1);
// A compaction of all that a run has written.
constexpr absl::Duration kCompactTimeout = absl::Seconds(60);

std::string FillingKey(Filling filling, int64_t number) {
  switch (filling) {
    case Filling::kKeys:
      return KeyOf(static_cast<int>(number));
    case Filling::kTree:
      return absl::StrFormat("%s/%05d/%05d", kTreeParent, number % kTreeChildren, number / kTreeChildren);
    case Filling::kFlat:
      return absl::StrFormat("%s/%07d", kFlatParent, number);
  }
  return "";
}

// Makes a call and awaits its end; its answer.
absl::StatusOr<grpc::ByteBuffer> CallNow(StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                                         const grpc::ByteBuffer& request, absl::Duration timeout = absl::Seconds(10)) {
  UnaryCall call(queue, channel, method, timeout);
  call.Start(request);
  // The call has a deadline of its own, sooner than this.
  const absl::Status over = queue->RunUntil([&call] { return !call.under_way(); }, timeout + absl::Seconds(30));
  if (!call.failure().ok()) return call.failure();
  if (!over.ok()) return over;
  return call.response();
}

// Shows each page of a list to `on_page`. How many entries they had.
absl::StatusOr<int64_t> ListAll(Api api, const Listing& listing, StepQueue* queue, const std::shared_ptr<grpc::Channel>& channel,
                                const std::function<absl::Status(const ListedPage&)>& on_page) {
  int64_t entries = 0;
  PagePlace place;
  while (true) {
    absl::StatusOr<grpc::ByteBuffer> answer = CallNow(queue, channel, ListMethod(api), ListBytes(api, listing, place));
    if (!answer.ok()) return answer.status();
    absl::StatusOr<ListedPage> page = ParseListedPage(api, *answer, place);
    if (!page.ok()) return page.status();
    entries += static_cast<int64_t>(page->pairs.size());
    if (const absl::Status status = on_page(*page); !status.ok()) return status;
    if (!page->more) return entries;
    if (page->pairs.empty()) return absl::InternalError("an empty page that is not the last");
    place = std::move(page->next);
  }
}

absl::Status PutAll(const MeasuredServer& server, int64_t pairs, const std::function<KeyValue(int64_t)>& pair_of, StepQueue* queue,
                    const Channels& channels) {
  const Calls calls = NewCalls(queue, channels, TransactMethod(server.api), kFillsInFlight);
  return CallForEach(queue, calls, 0, (pairs + kPutsPerFill - 1) / kPutsPerFill, [&](int64_t turn) {
    std::vector<KeyValue> some;
    const int64_t end = std::min(pairs, (turn + 1) * kPutsPerFill);
    for (int64_t number = turn * kPutsPerFill; number < end; ++number) some.push_back(pair_of(number));
    return PutAllBytes(server.api, some);
  });
}

}  // namespace

const char kTreeParent[] = "/bench/tree";
const char kFlatParent[] = "/bench/flat";

absl::Status Fill(const MeasuredServer& server, Filling filling, int64_t first, int64_t entries) {
  const absl::StatusOr<Channels> channels = Connect(server.address, kConnections);
  if (!channels.ok()) return channels.status();
  // A transaction at a time is awaited for as long as one may take.
  constexpr int64_t kStep = 20'000;
  const std::string value(kValueBytes, 'v');
  StepQueue queue;
  for (; first < entries; first += kStep) {
    const absl::Status status = PutAll(
        server, std::min(kStep, entries - first),
        [&](int64_t number) {
          return KeyValue{FillingKey(filling, first + number), value};
        },
        &queue, *channels);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<ListsResult> MeasureLists(const MeasuredServer& server, const ListsOptions& options) {
  const absl::StatusOr<Channels> channels = Connect(server.address, 1);
  if (!channels.ok()) return channels.status();
  StepQueue queue;
  ListsResult result;
  const auto list = [&]() -> absl::Status {
    const absl::StatusOr<int64_t> entries =
        ListAll(server.api, options.listing, &queue, channels->front(), [](const ListedPage&) { return absl::OkStatus(); });
    if (!entries.ok()) return entries.status();
    if (*entries != options.entries) return absl::InternalError(absl::StrCat("a list of ", *entries, " entries, not ", options.entries));
    return absl::OkStatus();
  };
  const absl::Duration warm = SteadyNow() + options.warm_up;
  do {
    if (const absl::Status status = list(); !status.ok()) return status;
  } while (SteadyNow() < warm);

  const absl::StatusOr<absl::Duration> cpu_before = ProcessCpu(server.pid);
  if (!cpu_before.ok()) return cpu_before.status();
  const absl::Duration start = SteadyNow();
  do {
    const absl::Duration sent = SteadyNow();
    if (const absl::Status status = list(); !status.ok()) return status;
    result.latency.Record(SteadyNow() - sent);
  } while (SteadyNow() < start + options.duration);
  result.measured = SteadyNow() - start;
  const absl::StatusOr<absl::Duration> cpu_after = ProcessCpu(server.pid);
  if (!cpu_after.ok()) return cpu_after.status();
  result.server_cpu = *cpu_after - *cpu_before;
  return result;
}

absl::StatusOr<absl::Duration> AwaitServing(const MeasuredServer& server, const std::string& key) {
  const absl::Duration deadline = SteadyNow() + kServingTimeout;
  while (true) {
    const absl::StatusOr<int64_t> revision = LatestRevision(server, key);
    if (revision.ok()) return SteadyNow();
    if (SteadyNow() >= deadline) return revision.status();
    std::this_thread::sleep_for(kAskAgain);
  }
}

absl::StatusOr<int64_t> LatestRevision(const MeasuredServer& server, const std::string& key) {
  const absl::StatusOr<Channels> channels = Connect(server.address, 1);
  if (!channels.ok()) return channels.status();
  StepQueue queue;
  const absl::StatusOr<grpc::ByteBuffer> answer = CallNow(&queue, channels->front(), GetMethod(server.api), GetBytes(server.api, key));
  if (!answer.ok()) return answer.status();
  return ParseGotRevision(server.api, *answer);
}

absl::Status Compact(const MeasuredServer& server, const std::string& key) {
  const absl::StatusOr<int64_t> revision = LatestRevision(server, key);
  if (!revision.ok()) return revision.status();
  const absl::StatusOr<Channels> channels = Connect(server.address, 1);
  if (!channels.ok()) return channels.status();
  StepQueue queue;
  const auto call = [&](const std::string& method, const grpc::ByteBuffer& request) {
    return CallNow(&queue, channels->front(), method, request, kCompactTimeout).status();
  };
  absl::Status status = call(CompactMethod(server.api), CompactBytes(server.api, *revision));
  // A ByteBuffer without a slice is no message at all.
  const grpc::Slice empty;
  if (status.ok() && server.api == Api::kEtcd) status = call(kEtcdDefragmentMethod, grpc::ByteBuffer(&empty, 1));
  return status;
}

absl::StatusOr<int64_t> CopySubtree(const MeasuredServer& from, const std::string& parent, const MeasuredServer& to) {
  const absl::StatusOr<Channels> sources = Connect(from.address, 1);
  if (!sources.ok()) return sources.status();
  const absl::StatusOr<Channels> targets = Connect(to.address, kConnections);
  if (!targets.ok()) return targets.status();
  StepQueue queue;
  const Listing listing = {.what = Listing::What::kSubtree, .parent = parent, .page_size = kCopyPage};
  return ListAll(from.api, listing, &queue, sources->front(), [&](const ListedPage& page) {
    return PutAll(
        to, static_cast<int64_t>(page.pairs.size()), [&](int64_t number) { return page.pairs[static_cast<size_t>(number)]; }, &queue,
        *targets);
  });
}

}  // namespace scoutlight::bench
