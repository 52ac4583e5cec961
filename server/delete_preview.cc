#include "server/delete_preview.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

absl::Status TooLarge(Reason reason, absl::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(absl::StatusCode::kInvalidArgument, message, details);
}

absl::Status UnexpectedRevision(const Key& key, Revision expected, Revision actual) {
  ErrorDetails details;
  details.reason = Reason::kConditionFailed;
  details.resource = key.path();
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("\"", key.path(), "\": expected mod_revision ", expected, ", but it is ", actual, " (0: not there)"),
                   details);
}

// Reads the range page by page, all pages of one state, and adds up. Owns itself: the callback of the read in progress keeps it alive.
class Preview : public std::enable_shared_from_this<Preview> {
 public:
  Preview(storage::Store* store, storage::DeleteOperation removal, storage::Done<storage::CommitResult> done)
      : store_(*store), removal_(std::move(removal)), done_(std::move(done)) {
    query_.range = removal_.range;
    query_.entries_max = limits::kPageEntriesMax;
    query_.bytes_max = limits::kAnswerBytesMax;
    query_.expect_more_pages = true;
  }

  void ReadPage() {
    const DeferScope scope;
    store_.Read(query_, [self = shared_from_this()](storage::Page page) { self->TakePage(std::move(page)); });
  }

 private:
  void TakePage(storage::Page page) {
    result_.revision = page.revision;
    result_.status = page.status;
    for (Entry& entry : page.entries) {
      query_.after = storage::Position{entry.key, 0};
      if (result_.status.ok() && entry.has_value) result_.status = Count(std::move(entry));
    }
    if (result_.status.ok() && page.more && !page.entries.empty()) {
      query_.revision = page.revision;
      return ReadPage();
    }
    if (result_.status.ok()) result_.status = CheckExpectation();
    Finish();
  }

  // Adds one entry that would be removed.
  absl::Status Count(Entry entry) {
    mod_revision_ = entry.mod_revision;
    // What a delete of it counts for in a transaction: the entry, and its key once more.
    Entry removed;
    removed.key = entry.key;
    bytes_ += EntryBytes(entry) + EntryBytes(removed);
    if (++deleted_ > limits::kChangesMax || bytes_ > limits::kTransactionBytesMax) {
      return TooLarge(Reason::kTransactionTooLarge, absl::StrCat("it would remove over ", limits::kChangesMax, " entries or ",
                                                                 limits::kTransactionBytesMax, " bytes; split it"));
    }
    if (!removal_.return_previous) return absl::OkStatus();
    previous_bytes_ += EntryBytes(entry);
    if (previous_bytes_ > limits::kAnswerBytesMax) {
      return TooLarge(Reason::kAnswerTooLarge, absl::StrCat("the answer would hold over ", limits::kAnswerBytesMax,
                                                            " bytes; ask for less, or not for previous entries"));
    }
    previous_.push_back(std::move(entry));
    return absl::OkStatus();
  }

  absl::Status CheckExpectation() const {
    if (!removal_.expected_mod_revision.has_value() || *removal_.expected_mod_revision == mod_revision_) return absl::OkStatus();
    return UnexpectedRevision(removal_.range.key, *removal_.expected_mod_revision, mod_revision_);
  }

  void Finish() {
    if (result_.status.ok()) {
      result_.succeeded = true;
      result_.results.resize(1);
      result_.results.front().deleted = deleted_;
      result_.results.front().entries = std::move(previous_);
    }
    std::move(done_)(std::move(result_));
  }

  storage::Store& store_;
  const storage::DeleteOperation removal_;
  storage::Done<storage::CommitResult> done_;
  storage::Query query_;
  storage::CommitResult result_;
  std::vector<Entry> previous_;
  Revision mod_revision_ = 0;  // Of the last entry seen; 0: none. With SCOPE_KEY there is one at most.
  int deleted_ = 0;
  size_t bytes_ = 0;
  size_t previous_bytes_ = 0;
};

}  // namespace

void PreviewDelete(storage::Store* store, storage::DeleteOperation removal, storage::Done<storage::CommitResult> done) {
  std::make_shared<Preview>(store, std::move(removal), std::move(done))->ReadPage();
}

}  // namespace scoutlight::server
