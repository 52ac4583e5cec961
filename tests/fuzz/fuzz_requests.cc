// Requests as the server parses and judges them before it does anything. Input: which message, its bytes.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "scoutlight/registry/v1/lease.pb.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/parse_request.h"
#include "server/request_conversion.h"
#include "storage/check_transaction.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input.h"

namespace scoutlight::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
namespace wire = ::scoutlight::registry::v1;

const StoreId kStoreId(32, 'f');

storage::Traits LocalTraits() {
  return {.operations_max = limits::kOperationsMax,
          .changes_max = limits::kChangesMax,
          .bytes_max = limits::kTransactionBytesMax,
          .ttl_min = absl::Seconds(1),
          .ttl_max = absl::Hours(24),
          .contiguous_revisions = true};
}

bool AllTextIsUtf8(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const auto* const reflection = message.GetReflection();
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        const std::string text =
            field->is_repeated() ? reflection->GetRepeatedString(message, field, i) : reflection->GetString(message, field);
        if (FindInvalidUtf8(text).has_value()) return false;
      } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
        if (!AllTextIsUtf8(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                                : reflection->GetMessage(message, field)))
          return false;
      }
    }
  }
  return true;
}

// Equal messages give equal bytes, maps and all.
std::string Serialized(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    Require(message.SerializeToCodedStream(&out), "a message is written");
  }
  return bytes;
}

// Refusals can be sent: they are the caller's mistake, name fields, and are text.
void RequireRefusal(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument, status.ToString());
  const std::optional<ErrorDetails> details = DetailsOf(status);
  Require(details.has_value() && details->reason != Reason::kUnspecified, "a refusal has a reason: ", status.ToString());
}

void RequireNamedRefusal(const absl::Status& status) {
  RequireRefusal(status);
  const std::vector<FieldViolation> violations = DetailsOf(status)->violations;
  Require(!violations.empty(), "a refusal names fields: ", status.ToString());
  for (const FieldViolation& violation : violations) {
    Require(!violation.field.empty() && !violation.description.empty(), "a mistake has a place and a reason: ", status.ToString());
  }
}

// Parses as the server does. False: it is refused.
bool Parse(absl::string_view bytes, Message* message) {
  // It says on stderr what is no UTF-8; the server's log has that at another level.
  [[maybe_unused]] static google::protobuf::LogHandler* const talkative = google::protobuf::SetLogHandler(nullptr);
  const grpc::Slice slice(bytes.data(), bytes.size());
  const absl::Status parsed = server::ParseRequest(grpc::ByteBuffer(&slice, 1), message);
  const std::unique_ptr<Message> plain(message->New());
  const bool is_message = plain->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && AllTextIsUtf8(*plain);
  Require(parsed.ok() == is_message, "protobuf says otherwise: ", parsed.ToString());
  if (!parsed.ok()) {
    RequireRefusal(parsed);
    return false;
  }
  const std::unique_ptr<Message> again(message->New());
  Require(again->ParseFromString(Serialized(*message)), "what is parsed is written and parsed");
  Require(Serialized(*again) == Serialized(*message), "and is the same");
  return true;
}

void RequireRanges(const std::vector<KeyRange>& ranges, bool all_are_written) {
  for (const KeyRange& range : ranges) {
    const absl::StatusOr<Key> again = Key::Parse(range.key.path());
    Require(again.ok() && *again == range.key, "a range is around a key: ", range.key.path());
    Require(!all_are_written || !(range.key.IsSystem() || range.key.is_root()), "written: ", range.key.path());
  }
}

void RequireTransaction(const absl::StatusOr<storage::Transaction>& transaction, bool all_are_written) {
  if (!transaction.ok()) return RequireNamedRefusal(transaction.status());
  Require(storage::CheckTransaction(*transaction, LocalTraits()).ok(), "what is converted is checked");
  Require(transaction->origin.request_id.size() <= limits::kRequestIdBytesMax, "request ids are bounded");
  RequireRanges(server::RangesOf(*transaction), all_are_written);
  for (const auto* branch : {&transaction->on_success, &transaction->on_failure}) {
    for (const storage::Operation& operation : *branch) {
      const auto* const put = std::get_if<storage::PutOperation>(&operation);
      if (put == nullptr) continue;
      Require(put->value.bytes.size() <= limits::kValueBytesMax, "values are bounded");
      Require(!put->key.IsSystem() && !put->key.is_root(), "written: ", put->key.path());
    }
  }
}

void TryGet(absl::string_view bytes) {
  wire::GetRequest request;
  if (!Parse(bytes, &request)) return;
  const absl::StatusOr<storage::Query> query = server::QueryOf(request);
  if (!query.ok()) return RequireNamedRefusal(query.status());
  Require(query->range.scope == Scope::kKey && query->revision >= 0 && query->entries_max >= 1, "a key is asked for");
  RequireRanges(server::RangesOf(*query), /*all_are_written=*/false);
}

void TryList(absl::string_view bytes) {
  wire::ListRequest request;
  if (!Parse(bytes, &request)) return;
  const absl::StatusOr<server::ListQuery> list = server::ListQueryOf(request, kStoreId);
  if (!list.ok()) return RequireNamedRefusal(list.status());
  Require(list->query.entries_max >= 1 && list->query.entries_max <= limits::kPageEntriesMax, "pages are bounded");
  Require(list->query.bytes_max <= limits::kAnswerBytesMax, "answers are bounded");
  RequireRanges(server::RangesOf(*list), /*all_are_written=*/false);
}

template <typename Request>
void TryChange(absl::string_view bytes, bool all_are_written) {
  Request request;
  if (Parse(bytes, &request)) RequireTransaction(server::TransactionOf(request, LocalTraits()), all_are_written);
}

template <typename Request>
void TryParsing(absl::string_view bytes) {
  Request request;
  Parse(bytes, &request);
}

}  // namespace

void FuzzRequests(absl::string_view bytes) {
  Input input(bytes);
  switch (input.Byte()) {
    case 'g':
      return TryGet(input.Rest());
    case 'l':
      return TryList(input.Rest());
    case 'p':
      return TryChange<wire::PutRequest>(input.Rest(), /*all_are_written=*/true);
    case 'd':
      return TryChange<wire::DeleteRequest>(input.Rest(), /*all_are_written=*/true);
    case 't':
      return TryChange<wire::TransactRequest>(input.Rest(), /*all_are_written=*/false);
    case 'w':
      return TryParsing<wire::WatchManyRequest>(input.Rest());
    case 'k':
      return TryParsing<wire::RenewRequest>(input.Rest());
    case 'r':
      return TryParsing<discovery::v1::RegisterAllRequest>(input.Rest());
    default:
      return;
  }
}

}  // namespace scoutlight::fuzz
