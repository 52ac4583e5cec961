#include "server/answer_conversion.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

#include "server/entry_conversion.h"
#include "server/page_token.h"

namespace scoutlight::server {
namespace {

using Entries = google::protobuf::RepeatedPtrField<wire::Entry>;

void FillAll(std::vector<Entry> entries, Values values, Entries* out) {
  out->Reserve(static_cast<int>(entries.size()));
  for (Entry& entry : entries) FillEntry(std::move(entry), values, out->Add());
}

// A Put's result, in a PutResponse or an OperationResult::Put.
template <typename Put>
void FillPut(storage::OperationResult result, Put* out) {
  if (!result.entries.empty()) FillEntry(std::move(result.entries.front()), Values::kShown, out->mutable_previous());
  out->set_create_revision(result.create_revision);
  out->set_version(result.version);
}

// A Delete's result, in a DeleteResponse or an OperationResult::Delete.
template <typename Delete>
void FillDelete(storage::OperationResult result, Delete* out) {
  out->set_deleted(result.deleted);
  FillAll(std::move(result.entries), Values::kShown, out->mutable_previous());
}

void FillResult(storage::OperationResult result, ResultForm form, wire::OperationResult* out) {
  switch (form) {
    case ResultForm::kPut:
      return FillPut(std::move(result), out->mutable_put());
    case ResultForm::kDelete:
      return FillDelete(std::move(result), out->mutable_delete_());
    case ResultForm::kGet:
      out->mutable_get();
      if (!result.entries.empty()) FillEntry(std::move(result.entries.front()), Values::kShown, out->mutable_get()->mutable_entry());
      return;
    case ResultForm::kList:
    case ResultForm::kListKeys:
      FillAll(std::move(result.entries), form == ResultForm::kList ? Values::kShown : Values::kLeftOut,
              out->mutable_list()->mutable_entries());
      out->mutable_list()->set_more(result.more);
  }
}

}  // namespace

std::vector<ResultForm> FormsOf(const std::vector<storage::Operation>& operations) {
  struct FormOf {
    ResultForm operator()(const storage::PutOperation&) const { return ResultForm::kPut; }
    ResultForm operator()(const storage::DeleteOperation&) const { return ResultForm::kDelete; }
    ResultForm operator()(const storage::GetOperation&) const { return ResultForm::kGet; }
    ResultForm operator()(const storage::ListOperation& list) const { return list.keys_only ? ResultForm::kListKeys : ResultForm::kList; }
  };
  std::vector<ResultForm> forms;
  forms.reserve(operations.size());
  for (const storage::Operation& operation : operations) forms.push_back(std::visit(FormOf(), operation));
  return forms;
}

wire::GetResponse GetResponseOf(storage::Page page, const StoreId& store_id) {
  wire::GetResponse response;
  FillEntry(std::move(page.entries.front()), Values::kShown, response.mutable_entry());
  response.set_revision(page.revision);
  response.set_store_id(store_id);
  return response;
}

wire::ListResponse ListResponseOf(storage::Page page, const storage::Query& query, uint64_t query_hash, const StoreId& store_id) {
  wire::ListResponse response;
  if (page.more && !page.entries.empty()) {
    const Entry& last = page.entries.back();
    response.set_next_page_token(EncodePageToken({store_id, page.revision, query_hash, {last.key, last.create_revision}}));
  }
  FillAll(std::move(page.entries), query.keys_only ? Values::kLeftOut : Values::kShown, response.mutable_entries());
  response.set_revision(page.revision);
  response.set_store_id(store_id);
  return response;
}

wire::PutResponse PutResponseOf(storage::CommitResult result, const StoreId& store_id) {
  wire::PutResponse response;
  if (!result.results.empty()) FillPut(std::move(result.results.front()), &response);
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  response.set_replayed(result.replayed);
  return response;
}

wire::DeleteResponse DeleteResponseOf(storage::CommitResult result, const StoreId& store_id) {
  wire::DeleteResponse response;
  if (!result.results.empty()) FillDelete(std::move(result.results.front()), &response);
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  response.set_replayed(result.replayed);
  return response;
}

wire::TransactResponse TransactResponseOf(storage::CommitResult result, const std::vector<ResultForm>& forms, const StoreId& store_id) {
  wire::TransactResponse response;
  response.set_succeeded(result.succeeded);
  const size_t size = std::min(result.results.size(), forms.size());
  for (size_t i = 0; i < size; ++i) FillResult(std::move(result.results[i]), forms[i], response.add_results());
  response.set_revision(result.revision);
  response.set_store_id(store_id);
  response.set_replayed(result.replayed);
  return response;
}

}  // namespace scoutlight::server
