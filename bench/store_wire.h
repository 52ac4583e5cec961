#ifndef SCOUTLIGHT_BENCH_STORE_WIRE_H_
#define SCOUTLIGHT_BENCH_STORE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/requests.h"
#include "grpcpp/support/byte_buffer.h"

// The messages of many entries at a time, for either API. Api::kFloor has none of them and must not be passed.
namespace scoutlight::bench {

struct KeyValue {
  std::string key;
  std::string value;
};
// etcd takes at most 128 operations a transaction by default.
constexpr int kPutsPerFill = 100;

// "/package.Service/Method"
std::string TransactMethod(Api api);
std::string ListMethod(Api api);
std::string GetMethod(Api api);

grpc::ByteBuffer PutAllBytes(Api api, const std::vector<KeyValue>& pairs);

// What a user asks for who wants the children of a node, or all below it.
struct Listing {
  enum class What {
    kChildren,  // Their names. etcd knows no children: one asks for the keys of all that lies below, in one answer.
    kSubtree,   // Keys and values of all that lies below, page by page.
  };
  What what = What::kChildren;
  std::string parent;
  int page_size = 1'000;
};
// Where the next page begins; the default: the first page.
struct PagePlace {
  std::string token;     // Ours.
  std::string from_key;  // etcd's: the last key of the page before.
  int64_t revision = 0;  // etcd's: of the first page.
};
grpc::ByteBuffer ListBytes(Api api, const Listing& listing, const PagePlace& place);

struct ListedPage {
  std::vector<KeyValue> pairs;  // kSubtree. kChildren: only their number and keys say something; of etcd all that lies below.
  bool more = false;
  PagePlace next;
};
// kInternal: not an answer to ListBytes.
absl::StatusOr<ListedPage> ParseListedPage(Api api, const grpc::ByteBuffer& answer, const PagePlace& place);

grpc::ByteBuffer GetBytes(Api api, const std::string& key);
// Of the store's latest state, in an answer to GetBytes. kInternal: there is none, or the key was not there.
absl::StatusOr<int64_t> ParseGotRevision(Api api, const grpc::ByteBuffer& answer);

std::string CompactMethod(Api api);
// Gives up all states before `revision`.
grpc::ByteBuffer CompactBytes(Api api, int64_t revision);
// etcd's alone: gives back what its database file has free. Takes an empty message.
extern const char kEtcdDefragmentMethod[];

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_STORE_WIRE_H_
