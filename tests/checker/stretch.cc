#include "tests/checker/stretch.h"

#include <algorithm>
#include <optional>
#include <random>
#include <variant>
#include <vector>

namespace scoutlight::checker {
namespace {

class Stretcher {
 public:
  Stretcher(uint64_t seed, Revision last) {
    std::mt19937_64 random(seed);
    const auto below = [&random](Revision bound) { return std::uniform_int_distribution<Revision>(0, bound - 1)(random); };
    for (Revision revision = 1; revision <= last; ++revision) {
      renamed_.push_back(renamed_.back() + 1 + (below(3) == 0 ? below(5) : 0));
    }
  }

  void Rename(History* history) const {
    for (Call& call : history->calls) Rename(&call);
    for (LoggedBatch& logged : history->log) {
      Rename(&logged.batch.revision);
      for (Event& event : logged.batch.events) Rename(&event);
    }
    for (WatchChain& chain : history->watches) Rename(&chain);
    for (Compaction& compaction : history->compactions) Rename(&compaction.oldest);
  }

 private:
  // Behind the last one all follow one another.
  Revision At(Revision revision) const {
    const auto last = static_cast<Revision>(renamed_.size()) - 1;
    return revision <= last ? renamed_[std::max<Revision>(revision, 0)] : renamed_.back() + revision - last;
  }
  void Rename(Revision* revision) const { *revision = At(*revision); }
  void Rename(std::optional<Revision>* revision) const {
    if (revision->has_value()) Rename(&**revision);
  }
  void Rename(Entry* entry) const {
    Rename(&entry->create_revision);
    Rename(&entry->mod_revision);
  }
  void Rename(Event* event) const {
    Rename(&event->entry);
    if (event->previous.has_value()) Rename(&*event->previous);
  }
  void Rename(Failure* failure) const {
    Rename(&failure->revision);
    Rename(&failure->oldest_revision);
  }

  void Rename(Call* call) const {
    Rename(&call->failure);
    std::visit([this](auto& request) { RenameRequest(&request); }, call->request);
    std::visit([this](auto& answer) { RenameAnswer(&answer); }, call->answer);
  }

  void RenameRequest(Write* write) const {
    for (storage::Condition& condition : write->conditions) {
      using Target = storage::Condition::Target;
      if (condition.target == Target::kCreateRevision || condition.target == Target::kModRevision) Rename(&condition.number);
    }
    for (auto* branch : {&write->on_success, &write->on_failure}) {
      for (storage::Operation& operation : *branch) {
        if (auto* put = std::get_if<storage::PutOperation>(&operation)) Rename(&put->expected_mod_revision);
        if (auto* erase = std::get_if<storage::DeleteOperation>(&operation)) Rename(&erase->expected_mod_revision);
      }
    }
  }
  void RenameRequest(Read* read) const {
    Rename(&read->query.revision);
    if (read->query.after.has_value()) Rename(&read->query.after->create_revision);
  }
  template <typename Other>
  void RenameRequest(Other* /*names none*/) const {}

  void RenameAnswer(std::monostate* /*none*/) const {}
  void RenameAnswer(WriteAnswer* answer) const {
    Rename(&answer->revision);
    for (storage::OperationResult& result : answer->results) {
      Rename(&result.create_revision);
      for (Entry& entry : result.entries) Rename(&entry);
    }
  }
  void RenameAnswer(ReadAnswer* answer) const {
    Rename(&answer->revision);
    for (Entry& entry : answer->entries) Rename(&entry);
  }
  template <typename Other>
  void RenameAnswer(Other* answer) const {
    Rename(&answer->revision);
  }

  void Rename(WatchChain* chain) const {
    Rename(&chain->reached);
    bool inside = false;  // It broke behind a fragment: everything is sent up to just before its transaction, gaps too.
    for (WatchStream& stream : chain->streams) {
      if (stream.start_revision > 0) stream.start_revision = inside ? At(stream.start_revision) : At(stream.start_revision - 1) + 1;
      for (Frame& frame : stream.frames) {
        if (frame.kind != Frame::Kind::kStarted) inside = frame.fragment;
        frame.revision = inside && frame.revision != 0 ? At(frame.revision + 1) - 1 : At(frame.revision);
        for (Entry& entry : frame.entries) Rename(&entry);
        for (Event& event : frame.events) Rename(&event);
      }
      Rename(&stream.end);
    }
  }

  std::vector<Revision> renamed_ = {0};
};

}  // namespace

void Stretch(uint64_t seed, History* history) {
  Stretcher(seed, static_cast<Revision>(history->log.size()) + 1).Rename(history);
  history->has_gaps = true;
}

}  // namespace scoutlight::checker
