#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_MESSAGE_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_MESSAGE_H_

#include <nng/nng.h>

#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::client {

struct FreeNngMessage {
  void operator()(nng_msg* message) const { nng_msg_free(message); }
};
using NngMessagePtr = std::unique_ptr<nng_msg, FreeNngMessage>;

// Null: no memory.
inline NngMessagePtr MakeNngMessage(absl::string_view body) {
  nng_msg* message = nullptr;
  if (nng_msg_alloc(&message, body.size()) != 0) return nullptr;
  if (!body.empty()) std::memcpy(nng_msg_body(message), body.data(), body.size());
  return NngMessagePtr(message);
}

// What a finished aio has, if it has one.
inline NngMessagePtr TakeNngMessage(nng_aio* aio) {
  NngMessagePtr message(nng_aio_get_msg(aio));
  nng_aio_set_msg(aio, nullptr);
  return message;
}

inline std::string BodyOf(const NngMessagePtr& message) {
  if (message == nullptr) return std::string();
  return std::string(static_cast<const char*>(nng_msg_body(message.get())), nng_msg_len(message.get()));
}

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_MESSAGE_H_
