#include "server/registry_service.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "server/admit.h"
#include "server/answer_conversion.h"
#include "server/identity.h"
#include "server/request_conversion.h"
#include "server/unary_call.h"
#include "server/watch_calls.h"

namespace scoutlight::server {
namespace {

using storage::CommitResult;
using storage::Page;
using storage::Query;
using storage::Transaction;

constexpr auto kRangesOf = [](const auto& converted) { return RangesOf(converted); };

absl::Status KeyNotFound(const Key& key) {
  ErrorDetails details;
  details.reason = Reason::kKeyNotFound;
  details.resource = key.path();
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("nothing is stored at ", key.path()), details);
}

}  // namespace

ShownState RegistryService::StateOf(const Page& page) const { return {page.revision, page.oldest_revision, store_.store_id()}; }

ShownState RegistryService::StateOf(const CommitResult& result) const { return {result.revision, 0, store_.store_id()}; }

grpc::ServerUnaryReactor* RegistryService::Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::GetRequest request;
  auto query = Admit(
      admission_, IdentityOf(*context), "RegistryService/Get", *bytes, &request, [](const wire::GetRequest& get) { return QueryOf(get); },
      kRangesOf);
  if (!query.ok()) return call.Fail(query.status(), {});
  const DeferScope scope;
  Key key = query->range.key;
  store_.Read(*std::move(query), [this, call, key = std::move(key)](Page page) {
    if (page.status.ok() && (page.entries.empty() || !page.entries.front().has_value)) page.status = KeyNotFound(key);
    if (!page.status.ok()) {
      call.Fail(page.status, StateOf(page));
    } else {
      call.Answer(GetResponseOf(std::move(page), store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistryService::List(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ListRequest request;
  auto list = Admit(
      admission_, IdentityOf(*context), "RegistryService/List", *bytes, &request,
      [this](const wire::ListRequest& wanted) { return ListQueryOf(wanted, store_.store_id()); }, kRangesOf);
  if (!list.ok()) return call.Fail(list.status(), {});
  const DeferScope scope;
  store_.Read(list->query, [this, call, list = *list](Page page) {
    if (!page.status.ok()) {
      call.Fail(page.status, StateOf(page));
    } else {
      call.Answer(ListResponseOf(std::move(page), list.query, list.query_hash, store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistryService::Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutRequest request;
  auto transaction = Admit(
      admission_, identity, "RegistryService/Put", *bytes, &request,
      [this](const wire::PutRequest& put) { return TransactionOf(put, store_.traits()); }, kRangesOf);
  if (!transaction.ok()) return call.Fail(transaction.status(), {});
  transaction->origin = OriginOf(identity, &request);
  const DeferScope scope;
  store_.Commit(*std::move(transaction), [this, call](CommitResult result) {
    if (!result.status.ok()) {
      call.Fail(StripFields(result.status, kSolePut), StateOf(result));
    } else {
      call.Answer(PutResponseOf(std::move(result), store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistryService::Delete(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                  grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::DeleteRequest request;
  auto transaction = Admit(
      admission_, identity, "RegistryService/Delete", *bytes, &request,
      [this](const wire::DeleteRequest& removal) { return TransactionOf(removal, store_.traits()); }, kRangesOf);
  if (!transaction.ok()) return call.Fail(transaction.status(), {});
  transaction->validate_only = request.validate_only();
  transaction->origin = OriginOf(identity, &request);
  const DeferScope scope;
  store_.Commit(*std::move(transaction), [this, call](CommitResult result) {
    if (!result.status.ok()) {
      call.Fail(StripFields(result.status, kSoleDelete), StateOf(result));
    } else {
      call.Answer(DeleteResponseOf(std::move(result), store_.store_id()));
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistryService::Transact(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::TransactRequest request;
  auto transaction = Admit(
      admission_, identity, "RegistryService/Transact", *bytes, &request,
      [this](const wire::TransactRequest& wanted) { return TransactionOf(wanted, store_.traits()); }, kRangesOf);
  if (!transaction.ok()) return call.Fail(transaction.status(), {});
  transaction->origin = OriginOf(identity, &request);
  auto done = [this, call, on_success = FormsOf(transaction->on_success),
               on_failure = FormsOf(transaction->on_failure)](CommitResult result) {
    if (!result.status.ok()) {
      call.Fail(result.status, StateOf(result));
    } else {
      const std::vector<ResultForm>& forms = result.succeeded ? on_success : on_failure;
      call.Answer(TransactResponseOf(std::move(result), forms, store_.store_id()));
    }
  };
  const DeferScope scope;
  store_.Commit(*std::move(transaction), std::move(done));
  return call.reactor();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* RegistryService::Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  return StartWatch(*context, *bytes, admission_, &hub_);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RegistryService::WatchMany(grpc::CallbackServerContext* context) {
  return StartWatchMany(*context, admission_, &hub_);
}

}  // namespace scoutlight::server
