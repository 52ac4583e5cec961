#include "client/connection.h"

#include <utility>

#include "client/wire/wire.h"

namespace scoutlight {

Connection::Connection(std::shared_ptr<client::Wire> wire) : wire_(std::move(wire)) {}

absl::StatusOr<Connection> Connection::Open(ConnectionOptions options) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  return Connection(std::make_shared<client::Wire>(std::move(options)));
}

Revision Connection::revision() const { return wire_->min_revision(); }
StoreId Connection::store_id() const { return wire_->store_id(); }

}  // namespace scoutlight
