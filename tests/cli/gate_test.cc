// The gates of running programs, as they have registered them.
#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

using GateTest = ShellTest;

TEST_F(GateTest, GatesAreListedWithTheirLinks) {
  Shows("scoutctl gate list", R"(
! nothing there
)");
  Shows("scoutctl gate list encryptor", R"(
! scoutctl: not found: service encryptor has no instance in cluster default (SERVICE_NOT_FOUND)
[exit 3]
)");
  Shown("scoutctl service register encryptor --id one endpoint.gate.plaintext=tcp://10.0.0.1:5000 --permanent");
  Shown("scoutctl service register encryptor --id two endpoint.gate.plaintext=tcp://10.0.0.2:5000 --permanent");
  Shown("scoutctl service register web --id one hostname=10.0.0.3 --permanent");
  Shows("scoutctl gate list", R"(
SERVICE    INSTANCE  QUEUE      TYPE  LINK                 SENT  RECEIVED  WAITING  UNCONFIRMED
encryptor  one       plaintext  -     tcp://10.0.0.1:5000  -     -         -        -
encryptor  two       plaintext  -     tcp://10.0.0.2:5000  -     -         -        -
)");
  Shown(R"(scoutctl topology apply - <<< '{"encryptor": {"links": [
      {"addresses": ["tcp://0.0.0.0:5000"], "queue": "plaintext", "type": "PULL", "delivery": "acked"}]}}')");
  Shows("scoutctl gate list encryptor -o wide | head -2", R"(
SERVICE    INSTANCE  QUEUE      TYPE  DELIVERY  LINK                 SENT  RECEIVED  WAITING  UNCONFIRMED
encryptor  one       plaintext  PULL  acked     tcp://10.0.0.1:5000  -     -         -        -
)");
  Shows("scoutctl gate list web", R"(
! nothing there
)");
  Shows("scoutctl gate list -o name", R"(
encryptor/one/plaintext
encryptor/two/plaintext
)");
  Shown("scoutctl service deregister encryptor two");
  Shows("scoutctl gate list -o json", R"(
{
  "gates": [
    {
      "service": "encryptor",
      "instance": "one",
      "queue": "plaintext",
      "end": "in",
      "type": "PULL",
      "delivery": "acked",
      "address": "tcp://10.0.0.1:5000"
    }
  ]
}
)");
}

}  // namespace
}  // namespace scoutlight::testing
