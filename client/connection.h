#ifndef SCOUTLIGHT_CLIENT_CONNECTION_H_
#define SCOUTLIGHT_CLIENT_CONNECTION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "client/connection_options.h"

namespace scoutlight {

namespace client {
class Wire;
}  // namespace client

// The way to a registry, shared by everything that a program does with it: one channel, one thread for what happens, one for the callbacks
// of the program's own. Copies are the same connection, which is closed when the last of them and of what was made from them is gone: that
// takes at most a second, whatever the server does, and may happen in one of the program's own callbacks. Thread-safe.
class Connection {
 public:
  // Does not wait for the server: the first call does, and each that follows an interruption. kInvalidArgument: every violated field of
  // `options`.
  static absl::StatusOr<Connection> Open(ConnectionOptions options = {});

  // The highest revision that any answer showed, of the store that answered last; 0: none did. Reads of discovery ask for at least that:
  // what one thread has written, another one sees.
  Revision revision() const;
  // Of the store that answered last; empty: none did.
  StoreId store_id() const;

  // For the parts of the library.
  const std::shared_ptr<client::Wire>& wire() const { return wire_; }

 private:
  explicit Connection(std::shared_ptr<client::Wire> wire);

  std::shared_ptr<client::Wire> wire_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_CONNECTION_H_
