#ifndef SCOUTLIGHT_TESTS_CHECKER_WIRE_CONVERSION_H_
#define SCOUTLIGHT_TESTS_CHECKER_WIRE_CONVERSION_H_

#include <grpcpp/support/status.h>

#include "scoutlight/registry/v1/lease.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

namespace wire = registry::v1;

// Requests of a history as they go over the wire. `write` has the form that the function names.
wire::PutRequest PutRequestOf(const Write& write);
wire::DeleteRequest DeleteRequestOf(const Write& write);
wire::TransactRequest TransactRequestOf(const Write& write);
wire::GetRequest GetRequestOf(const Read& read);
wire::ListRequest ListRequestOf(const Read& read);  // Without the page token.
wire::WatchRequest WatchRequestOf(const KeyRange& range);
wire::GrantRequest GrantRequestOf(const Grant& grant);
wire::RevokeRequest RevokeRequestOf(const Revoke& revoke);
wire::RenewRequest RenewRequestOf(const Renew& renew);

// Answers as histories hold them. Keys that are none fail the test and become "/".
WriteAnswer AnswerOf(const wire::PutResponse& response);
WriteAnswer AnswerOf(const wire::DeleteResponse& response);
WriteAnswer AnswerOf(const wire::TransactResponse& response);
ReadAnswer AnswerOf(const wire::GetResponse& response);
ReadAnswer AnswerOf(const wire::ListResponse& response);
GrantAnswer AnswerOf(const wire::GrantResponse& response);
RevokeAnswer AnswerOf(const wire::RevokeResponse& response);
RenewAnswer AnswerOf(const wire::RenewResponse& response);
RenewAnswer AnswerOf(const wire::KeepAliveResponse& response);
Frame FrameOf(const wire::WatchResponse& response);  // Without when it was received.
Entry EntryOf(const wire::Entry& entry);

// Sets what came of a call that failed. It is kUnknown unless the server itself says for a reason that nothing has changed.
void SetFailure(const grpc::Status& status, Call* call);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_WIRE_CONVERSION_H_
