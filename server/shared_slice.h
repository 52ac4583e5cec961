#ifndef SCOUTLIGHT_SERVER_SHARED_SLICE_H_
#define SCOUTLIGHT_SERVER_SHARED_SLICE_H_

#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <utility>

namespace scoutlight::server {

// The bytes of a frame that several streams write, without a copy: the slice holds them.
inline grpc::Slice SharedSlice(std::shared_ptr<const std::string> bytes) {
  using Held = std::shared_ptr<const std::string>;
  auto* const held = new Held(std::move(bytes));
  return grpc::Slice(
      const_cast<char*>((*held)->data()), (*held)->size(), [](void* pointer) { delete static_cast<Held*>(pointer); }, held);
}

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_SHARED_SLICE_H_
