#include <algorithm>
#include <utility>

#include "tests/checker/mutations.h"
#include "tests/checker/pins.h"
#include "tests/checker/tree.h"

namespace scoutlight::checker {
namespace {

using Random = std::mt19937_64;

WriteAnswer* AnsweredWrite(Call* call) { return std::get_if<WriteAnswer>(&call->answer); }

// Of a put that was answered and is no repetition; null otherwise.
storage::PutOperation* AnsweredPut(Call* call) {
  auto* const write = std::get_if<Write>(&call->request);
  if (call->outcome != Outcome::kOk || write == nullptr || write->form != Write::Form::kPut || IsReplayed(*call)) return nullptr;
  return &std::get<storage::PutOperation>(write->on_success[0]);
}

Call* PickCall(History* history, Random* random, const std::function<bool(Call*)>& fits) {
  const auto picked = PickOne(
      history->calls.size(), [&](size_t i) { return fits(&history->calls[i]); }, random);
  return picked.has_value() ? &history->calls[*picked] : nullptr;
}

Call* PickPut(History* history, Random* random) {
  return PickCall(history, random, [](Call* call) { return AnsweredPut(call) != nullptr; });
}

Batch& BatchAt(History* history, Revision revision) { return history->log[revision - 2].batch; }

Tree StateAt(const History& history, Revision revision) {
  Tree tree;
  for (const LoggedBatch& logged : history.log) {
    if (logged.batch.revision <= revision) tree.Apply(logged.batch);
  }
  return tree;
}

bool LoseLastAcknowledgedWrite(History* history, Random*) {
  const Revision last = history->log.back().batch.revision;
  const bool acknowledged = std::any_of(history->calls.begin(), history->calls.end(), [last](Call& call) {
    return AnsweredPut(&call) != nullptr && AnsweredWrite(&call)->revision == last;
  });
  if (acknowledged) history->log.pop_back();
  return acknowledged;
}

bool SwapValues(History* history, Random* random) {
  Call* const a = PickPut(history, random);
  Call* const b = PickPut(history, random);
  if (a == nullptr || a == b) return false;
  std::swap(BatchAt(history, AnsweredWrite(a)->revision).events[0].entry.value.bytes,
            BatchAt(history, AnsweredWrite(b)->revision).events[0].entry.value.bytes);
  return true;
}

// Appends the put of `put` to the log, as if it were carried out once more.
void AppendAgain(History* history, const storage::PutOperation& put) {
  const Revision revision = history->log.back().batch.revision + 1;
  Tree last = StateAt(*history, revision);
  Write write;
  write.on_success = {storage::PutOperation{.key = put.key, .value = put.value, .expected_mod_revision = {}}};
  LoggedBatch logged{.batch = {.revision = revision, .committed = {}, .events = {}}, .received = history->log.back().received + 1};
  for (auto& [key, event] : last.Evaluate(write, revision, Tree::Leases::kThere).events) logged.batch.events.push_back(event);
  history->log.push_back(std::move(logged));
}

bool ApplyTwice(History* history, Random* random) {
  Call* const call = PickPut(history, random);
  if (call == nullptr) return false;
  AppendAgain(history, *AnsweredPut(call));
  return true;
}

bool CarryOutRepetition(History* history, Random* random) {
  const Call* const first =
      PickCall(history, random, [](Call* call) { return AnsweredPut(call) != nullptr && !RequestIdOf(*call).empty(); });
  if (first == nullptr) return false;
  Call again = *first;
  storage::PutOperation& put = *AnsweredPut(&again);
  put = {.key = put.key, .value = put.value, .expected_mod_revision = {}};
  AppendAgain(history, put);
  const Event& event = history->log.back().batch.events[0];
  again.called = history->log.back().received;
  again.returned = again.called + 1;
  again.answer = WriteAnswer{event.entry.mod_revision, true, false, {{}}};
  std::get<WriteAnswer>(again.answer).results[0].version = event.entry.version;
  std::get<WriteAnswer>(again.answer).results[0].create_revision = event.entry.create_revision;
  history->calls.push_back(std::move(again));
  return true;
}

bool CallFirstOneRepetition(History* history, Random* random) {
  Call* const call = PickCall(history, random, [&](Call* one) {
    const std::string& id = RequestIdOf(*one);
    return AnsweredPut(one) != nullptr && !id.empty() &&
           std::count_if(history->calls.begin(), history->calls.end(), [&](const Call& other) { return RequestIdOf(other) == id; }) == 1;
  });
  if (call != nullptr) AnsweredWrite(call)->replayed = true;
  return call != nullptr;
}

// Answers a get with another state, as that state is.
void AnswerAt(History* history, Call* call, Revision revision) {
  storage::Query query = std::get<Read>(call->request).query;
  bool more = false;
  std::vector<Entry> entries = StateAt(*history, revision).List(query, &more);
  if (entries.empty()) {
    call->outcome = Outcome::kFailed;
    call->failure = {absl::StatusCode::kNotFound, Reason::kKeyNotFound, revision};
  } else {
    call->outcome = Outcome::kOk;
    call->answer = ReadAnswer{revision, std::move(entries), false};
  }
}

bool IsLatestGet(const Call& call) {
  const auto* const read = std::get_if<Read>(&call.request);
  return read != nullptr && read->is_get && read->query.revision == 0 && call.outcome == Outcome::kOk;
}

bool ReadStale(History* history, Random* random) {
  Call* const read = PickCall(history, random, [](Call* call) { return IsLatestGet(*call); });
  Revision known = 0;
  for (Call& call : history->calls) {
    if (read != nullptr && AnsweredPut(&call) != nullptr && call.returned < read->called)
      known = std::max(known, AnsweredWrite(&call)->revision);
  }
  if (known < 2) return false;
  AnswerAt(history, read, known - 1);
  return true;
}

bool ReadTheFuture(History* history, Random* random) {
  Call* const read = PickCall(history, random, [](Call* call) { return IsLatestGet(*call); });
  for (Call& call : history->calls) {
    if (read == nullptr || AnsweredPut(&call) == nullptr || call.called <= read->returned) continue;
    AnswerAt(history, read, AnsweredWrite(&call)->revision);
    return true;
  }
  return false;
}

bool TakeWrongBranch(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) {
    const auto* const write = std::get_if<Write>(&one->request);
    if (write == nullptr || one->outcome != Outcome::kOk || write->conditions.empty()) return false;
    for (const auto* branch : {&write->on_success, &write->on_failure}) {
      for (const auto& operation : *branch) {
        if (!std::holds_alternative<storage::GetOperation>(operation)) return false;
      }
    }
    return true;
  });
  if (call != nullptr) AnsweredWrite(call)->succeeded = !AnsweredWrite(call)->succeeded;
  return call != nullptr;
}

bool SwapRevisions(History* history, Random* random) {
  Call* const a = PickPut(history, random);
  Call* const b = PickPut(history, random);
  if (a == nullptr || a == b) return false;
  std::swap(AnsweredWrite(a)->revision, AnsweredWrite(b)->revision);
  return true;
}

bool KeepVersionOverDelete(History* history, Random* random) {
  Call* const call = PickCall(history, random, [&](Call* one) {
    if (AnsweredPut(one) == nullptr || AnsweredWrite(one)->results[0].version != 1) return false;
    const Revision revision = AnsweredWrite(one)->revision;
    return std::any_of(history->log.begin(), history->log.begin() + (revision - 2), [&](const LoggedBatch& logged) {
      return std::any_of(logged.batch.events.begin(), logged.batch.events.end(),
                         [&](const Event& event) { return event.key == AnsweredPut(one)->key; });
    });
  });
  if (call == nullptr) return false;
  AnsweredWrite(call)->results[0].version = 2;
  BatchAt(history, AnsweredWrite(call)->revision).events[0].entry.version = 2;
  return true;
}

bool ForgetCreateRevision(History* history, Random* random) {
  Call* const call =
      PickCall(history, random, [](Call* one) { return AnsweredPut(one) != nullptr && AnsweredWrite(one)->results[0].version > 1; });
  if (call == nullptr) return false;
  WriteAnswer& answer = *AnsweredWrite(call);
  answer.results[0].create_revision = answer.revision;
  BatchAt(history, answer.revision).events[0].entry.create_revision = answer.revision;
  return true;
}

bool ShowWrongPrevious(History* history, Random* random) {
  Call* const call =
      PickCall(history, random, [](Call* one) { return AnsweredPut(one) != nullptr && !AnsweredWrite(one)->results[0].entries.empty(); });
  if (call != nullptr) AnsweredWrite(call)->results[0].entries[0].mod_revision -= 1;
  return call != nullptr;
}

bool LogWrongPrevious(History* history, Random* random) {
  const auto fits = [&](size_t i) { return history->log[i].batch.events[0].previous.has_value(); };
  const auto picked = PickOne(history->log.size(), fits, random);
  if (picked.has_value()) history->log[*picked].batch.events[0].previous.reset();
  return picked.has_value();
}

bool CountDeletesWrong(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) {
    return one->outcome == Outcome::kOk && AnsweredWrite(one) != nullptr && std::get<Write>(one->request).form == Write::Form::kDelete &&
           AnsweredWrite(one)->results[0].deleted > 0;
  });
  if (call != nullptr) AnsweredWrite(call)->results[0].deleted += 1;
  return call != nullptr;
}

Call* PickList(History* history, Random* random, size_t entries_min) {
  return PickCall(history, random, [entries_min](Call* call) {
    const auto* const answer = std::get_if<ReadAnswer>(&call->answer);
    return call->outcome == Outcome::kOk && answer != nullptr && answer->entries.size() >= entries_min;
  });
}

bool ListOutOfOrder(History* history, Random* random) {
  Call* const call = PickList(history, random, 2);
  if (call == nullptr) return false;
  auto& entries = std::get<ReadAnswer>(call->answer).entries;
  std::swap(entries[0], entries[1]);
  return true;
}

bool ListWithoutAnEntry(History* history, Random* random) {
  Call* const call = PickList(history, random, 3);
  if (call == nullptr) return false;
  auto& entries = std::get<ReadAnswer>(call->answer).entries;
  entries.erase(entries.begin() + 1);
  return true;
}

bool EndListEarly(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) {
    const auto* const answer = std::get_if<ReadAnswer>(&one->answer);
    return one->outcome == Outcome::kOk && answer != nullptr && answer->more;
  });
  if (call != nullptr) std::get<ReadAnswer>(call->answer).more = false;
  return call != nullptr;
}

bool LoseAKey(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) { return IsLatestGet(*one); });
  if (call == nullptr) return false;
  call->outcome = Outcome::kFailed;
  call->failure = {absl::StatusCode::kNotFound, Reason::kKeyNotFound, std::get<ReadAnswer>(call->answer).revision};
  return true;
}

bool RefuseForWrongReason(History* history, Random* random) {
  Call* const call =
      PickCall(history, random, [](Call* one) { return one->outcome == Outcome::kFailed && one->failure.reason == Reason::kKeyExists; });
  if (call == nullptr) return false;
  call->failure.code = absl::StatusCode::kFailedPrecondition;
  call->failure.reason = Reason::kConditionFailed;
  return true;
}

bool CarryOutRefused(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) { return AnsweredPut(one) != nullptr && RequestIdOf(*one).empty(); });
  if (call == nullptr) return false;
  call->outcome = Outcome::kFailed;
  call->failure = {absl::StatusCode::kResourceExhausted, Reason::kOverloaded};
  return true;
}

bool WriteByNobody(History* history, Random* random) {
  Call* const call = PickPut(history, random);
  if (call == nullptr) return false;
  storage::PutOperation put = *AnsweredPut(call);
  put.value.bytes = "nobody's";
  AppendAgain(history, put);
  return true;
}

bool ClaimTwice(History* history, Random* random) {
  const Call* const call = PickPut(history, random);
  if (call == nullptr) return false;
  Call other = *call;
  other.client = 99;
  std::get<Write>(other.request).request_id.clear();
  AnsweredPut(&other)->value.bytes = "another's";
  history->calls.push_back(std::move(other));
  return true;
}

// After a restart the revision of an acknowledged write is given again.
bool LoseWriteInRestart(History* history, Random*) {
  for (const Outage& outage : history->outages) {
    if (outage.kind != Outage::Kind::kRestart) continue;
    WriteAnswer* lost = nullptr;
    WriteAnswer* next = nullptr;
    for (Call& call : history->calls) {
      if (AnsweredPut(&call) == nullptr) continue;
      WriteAnswer* const answer = AnsweredWrite(&call);
      if (call.returned < outage.stopped && (lost == nullptr || answer->revision > lost->revision)) lost = answer;
      if (call.called > outage.serving && (next == nullptr || answer->revision < next->revision)) next = answer;
    }
    if (lost == nullptr || next == nullptr) continue;
    next->revision = lost->revision;
    return true;
  }
  return false;
}

bool LoseARevision(History* history, Random* random) {
  const size_t index = 1 + (*random)() % (history->log.size() - 2);
  history->log.erase(history->log.begin() + static_cast<int64_t>(index));
  return true;
}

bool RefuseWhatIsNotCompacted(History* history, Random* random) {
  Revision oldest = 1;
  for (const Compaction& compaction : history->compactions) oldest = std::max(oldest, compaction.oldest);
  Call* const call = PickCall(history, random, [oldest](Call* one) {
    const auto* const read = std::get_if<Read>(&one->request);
    return read != nullptr && one->outcome == Outcome::kOk && read->query.revision > oldest;
  });
  if (call == nullptr) return false;
  const Revision revision = std::get<Read>(call->request).query.revision;
  call->outcome = Outcome::kFailed;
  call->failure = {absl::StatusCode::kOutOfRange, Reason::kCompacted, history->log.back().batch.revision, revision + 1};
  return true;
}

bool ForgetToNameTheState(History* history, Random* random) {
  Call* const call = PickCall(history, random, [](Call* one) { return IsLatestGet(*one); });
  if (call != nullptr) std::get<ReadAnswer>(call->answer).revision = 0;
  return call != nullptr;
}

}  // namespace

std::optional<size_t> PickOne(size_t count, const std::function<bool(size_t)>& fits, std::mt19937_64* random) {
  std::vector<size_t> fitting;
  for (size_t i = 0; i < count; ++i) {
    if (fits(i)) fitting.push_back(i);
  }
  if (fitting.empty()) return std::nullopt;
  return fitting[(*random)() % fitting.size()];
}

std::vector<Mutation> AnswerMutations() {
  return {
      {"LoseLastAcknowledgedWrite", Rule::kContiguity, LoseLastAcknowledgedWrite},
      {"SwapValues", Rule::kReplay, SwapValues},
      {"ApplyTwice", Rule::kContiguity, ApplyTwice},
      {"CarryOutRepetition", Rule::kRepetition, CarryOutRepetition},
      {"CallFirstOneRepetition", Rule::kRepetition, CallFirstOneRepetition},
      {"ReadStale", Rule::kRealTime, ReadStale},
      {"ReadTheFuture", Rule::kRealTime, ReadTheFuture},
      {"TakeWrongBranch", Rule::kReplay, TakeWrongBranch},
      {"SwapRevisions", Rule::kReplay, SwapRevisions},
      {"KeepVersionOverDelete", Rule::kReplay, KeepVersionOverDelete},
      {"ForgetCreateRevision", Rule::kReplay, ForgetCreateRevision},
      {"ShowWrongPrevious", Rule::kReplay, ShowWrongPrevious},
      {"LogWrongPrevious", Rule::kReplay, LogWrongPrevious},
      {"CountDeletesWrong", Rule::kReplay, CountDeletesWrong},
      {"ListOutOfOrder", Rule::kReplay, ListOutOfOrder},
      {"ListWithoutAnEntry", Rule::kReplay, ListWithoutAnEntry},
      {"EndListEarly", Rule::kReplay, EndListEarly},
      {"LoseAKey", Rule::kReplay, LoseAKey},
      {"RefuseForWrongReason", Rule::kReplay, RefuseForWrongReason},
      {"CarryOutRefused", Rule::kContiguity, CarryOutRefused},
      {"WriteByNobody", Rule::kContiguity, WriteByNobody},
      {"ClaimTwice", Rule::kContiguity, ClaimTwice},
      {"LoseWriteInRestart", Rule::kContiguity, LoseWriteInRestart},
      {"LoseARevision", Rule::kContiguity, LoseARevision},
      {"RefuseWhatIsNotCompacted", Rule::kCompaction, RefuseWhatIsNotCompacted},
      {"ForgetToNameTheState", Rule::kReplay, ForgetToNameTheState},
  };
}

}  // namespace scoutlight::checker
