#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

using ServiceTest = ShellTest;

TEST_F(ServiceTest, InstancesAreRegisteredListedAndRemoved) {
  Shows("scoutctl service list", R"(
! nothing there
)");
  Shows("scoutctl service register Printer --id laser hostname=192.168.1.101 port=8001 protocol=https zone=north --permanent", R"(
registered Printer/laser at revision 2
)");
  Shows("scoutctl service register Printer --id laser hostname=192.168.1.101 port=8001 protocol=https zone=north --permanent", R"(
Printer/laser was registered just so already
)");
  Shows("scoutctl service register Printer --id inkjet hostname=192.168.1.102 health=critical --ttl 1h -o json", R"(
{
  "cluster": "default",
  "service": "Printer",
  "id": "inkjet",
  "status": "UP",
  "health": "critical",
  "resolvable": false,
  "endpoints": [
    {
      "host": "192.168.1.102"
    }
  ],
  "lease_id": "LEASE",
  "epoch": 3,
  "create_revision": 3,
  "mod_revision": 3,
  "registered_at": "TIME",
  "properties": {
    "health": "critical",
    "hostname": "192.168.1.102"
  },
  "unchanged": false,
  "revision": 3,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service register Scanner --id flat hostname=192.168.1.9 --permanent -o name", R"(
flat
)");
  Shows("scoutctl service list", R"(
SERVICE  INSTANCES  RESOLVABLE  HELD
Printer  2          1           0
Scanner  1          1           0
)");
  Shows("scoutctl service list -o json", R"(
{
  "services": [
    {
      "service": "Printer",
      "instances": 2,
      "resolvable": 1,
      "held": 0
    },
    {
      "service": "Scanner",
      "instances": 1,
      "resolvable": 1,
      "held": 0
    }
  ],
  "revision": 4,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service list --cluster other -o json", R"(
{
  "services": [],
  "revision": 4,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service get Printer", R"(
ID      STATUS  HEALTH    RESOLVABLE  ENDPOINT                    ZONE   PROBLEMS
inkjet  UP      critical  no          192.168.1.102               -      -
laser   UP      passing   yes         https://192.168.1.101:8001  north  -
)");
  Shows(R"(scoutctl service get Printer -o wide | tr -s " ")", R"(
ID STATUS HEALTH RESOLVABLE ENDPOINT ZONE LEASE ID EPOCH REGISTERED AT PROBLEMS PROPERTIES
inkjet UP critical no 192.168.1.102 - LEASE 3 TIME - health=critical hostname=192.168.1.102
laser UP passing yes https://192.168.1.101:8001 north - 2 TIME - hostname=192.168.1.101 port=8001 protocol=https zone=north
)");
  Shows("scoutctl service get Printer -o name", R"(
inkjet
laser
)");
  Shows(R"(scoutctl service get Printer --filter 'zone == "north"' -o json)", R"(
{
  "instances": [
    {
      "cluster": "default",
      "service": "Printer",
      "id": "laser",
      "status": "UP",
      "health": "passing",
      "resolvable": true,
      "endpoints": [
        {
          "url": "https://192.168.1.101:8001",
          "protocol": "https",
          "host": "192.168.1.101",
          "port": 8001
        }
      ],
      "epoch": 2,
      "create_revision": 2,
      "mod_revision": 2,
      "registered_at": "TIME",
      "properties": {
        "hostname": "192.168.1.101",
        "port": "8001",
        "protocol": "https",
        "zone": "north"
      }
    }
  ],
  "guarded": false,
  "revision": 4,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service get Printer laser", R"(
id             laser
status         UP
health         passing
resolvable     yes
endpoint       https://192.168.1.101:8001
zone           north
lease id       -
epoch          2
registered at  TIME
problems       -
properties
  hostname     192.168.1.101
  port         8001
  protocol     https
  zone         north
)");
  Shows("scoutctl service get Printer laser -o json | head -3", R"(
{
  "cluster": "default",
  "service": "Printer",
)");
  Shows("scoutctl service get Printer nobody", R"(
! scoutctl: not found: there is no instance nobody of service Printer in cluster default (INSTANCE_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl service get Nothing", R"(
! scoutctl: not found: service Nothing has no instance in cluster default (SERVICE_NOT_FOUND)
[exit 3]
)");
  Shows(R"(scoutctl service get Printer --filter 'zone == "west"')", R"(
! nothing there
)");
  Shows("scoutctl service get Printer --filter 'zone = = 1'", R"(
! scoutctl: invalid argument: filter: at column 8 (byte 7): "=" where a string, a number, true or false is wanted (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl service deregister Printer laser", R"(
deregistered Printer/laser at revision 5
)");
  Shows("scoutctl service deregister Printer laser", R"(
Printer/laser was not registered
)");
  Shows("scoutctl service deregister Printer inkjet -o json", R"(
{
  "cluster": "default",
  "service": "Printer",
  "id": "inkjet",
  "found": true,
  "revision": 6,
  "store_id": "STORE"
}
)");
}

TEST_F(ServiceTest, WhatIsWrongWithARegistrationIsSaid) {
  Shows("scoutctl service register Printer --id a port=70000 --permanent -o json", R"(
! {
!   "code": "INVALID_ARGUMENT",
!   "reason": "INVALID_FIELD",
!   "message": "instance.properties.port: is \"70000\", a port, 1 to 65535, is wanted",
!   "violations": [
!     {
!       "field": "instance.properties.port",
!       "description": "is \"70000\", a port, 1 to 65535, is wanted"
!     }
!   ],
!   "exit_code": 2
! }
[exit 2]
)");
  Shows("scoutctl service register Printer hostname --permanent", R"(
! scoutctl: invalid argument: NAME=VALUE: must be a property such as port=8001, is "hostname" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl service register Printer a=1 a=2 --permanent", R"(
! scoutctl: invalid argument: NAME=VALUE: names the property "a" twice (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl service register Printer a=1", R"(
! scoutctl: invalid argument: --ttl: is missing: say --ttl DURATION, --permanent, or --keep (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl service register Printer a=1 --permanent --ttl 5s", R"(
! scoutctl: invalid argument: --permanent: excludes --ttl and --keep (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl service register Printer a=1 --ttl soon", R"(
! scoutctl: invalid argument: --ttl: must be a duration such as 500ms, 10s or 1h30m, is "soon"; see scoutctl service register --help
[exit 2]
)");
  Shows("scoutctl service register Printer a=1 --ttl 1ms", R"(
! scoutctl: invalid argument: ttl: is 1ms, must be from 1s to 24h (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(ServiceTest, OneInstanceIsResolved) {
  Shows("scoutctl service register Printer --id laser hostname=10.0.0.1 port=8001 protocol=https zone=north --permanent -o name", R"(
laser
)");
  Shows("scoutctl service register Printer --id inkjet hostname=10.0.0.2 port=8002 protocol=http zone=south --permanent -o name", R"(
inkjet
)");
  Shows("scoutctl service resolve Printer --strategy round_robin", R"(
ID      ENDPOINT              ZONE
inkjet  http://10.0.0.2:8002  south
)");
  Shows("scoutctl service resolve Printer --strategy round_robin -o name", R"(
laser
)");
  Shows("scoutctl service resolve Printer --endpoint-name https -o wide", R"(
ID     ENDPOINT               ZONE   STATUS  HEALTH   PROPERTIES
laser  https://10.0.0.1:8001  north  UP      passing  hostname=10.0.0.1 port=8001 protocol=https zone=north
)");
  Shows(R"(scoutctl service resolve Printer --filter 'protocol == "https"' -o json)", R"(
{
  "picks": [
    {
      "cluster": "default",
      "service": "Printer",
      "id": "laser",
      "endpoint": {
        "url": "https://10.0.0.1:8001",
        "protocol": "https",
        "host": "10.0.0.1",
        "port": 8001
      },
      "status": "UP",
      "health": "passing",
      "properties": {
        "hostname": "10.0.0.1",
        "port": "8001",
        "protocol": "https",
        "zone": "north"
      }
    }
  ],
  "strategy": "round_robin",
  "guarded": false,
  "revision": 3,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service resolve Printer --zone south --count 2 -o name | sort", R"(
inkjet
laser
)");
  Shows("for i in 1 2; do scoutctl service resolve Printer --strategy consistent_hash --affinity me -o name; done | uniq | wc -l", R"(
1
)");
  Shows(R"(scoutctl service resolve Printer --filter 'zone == "west"')", R"(
! scoutctl: failed precondition: filter or endpoint exclude all that take work, 2 instances of service Printer (NONE_MATCHES)
[exit 4]
)");
  Shows("scoutctl service resolve Nothing", R"(
! scoutctl: not found: service Nothing has no instance in cluster default (SERVICE_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl service resolve Printer --count 100", R"(
! scoutctl: invalid argument: --count: must be 1 to 16, is "100"; see scoutctl service resolve --help
[exit 2]
)");
  Shows("scoutctl service deregister Printer laser -o name", R"(
laser
)");
  Shows("scoutctl service drain Printer inkjet --drain-timeout 0s -o name 2>/dev/null || true", R"(
inkjet
)");
  Shows("scoutctl service resolve Printer -o json", R"(
! {
!   "code": "UNAVAILABLE",
!   "reason": "NONE_RESOLVABLE",
!   "message": "the only instance of service Printer takes no work",
!   "resource": "default/Printer",
!   "retry_after": "1s",
!   "exit_code": 6
! }
[exit 6]
)");
}

TEST_F(ServiceTest, DrainsTellWhoMayStillSendWork) {
  Shows("scoutctl service register Printer --id laser hostname=10.0.0.1 --permanent -o name", R"(
laser
)");
  Shows("scoutctl service drain Printer laser", R"(
Printer/laser is drained: every subscriber has confirmed
)");
  Shows("scoutctl service drain Printer laser -o json", R"(
{
  "cluster": "default",
  "service": "Printer",
  "id": "laser",
  "complete": true,
  "laggards": [],
  "laggards_omitted": 0,
  "unconfirmable_watches": 0,
  "recent_resolvers": 0,
  "revision": 3,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service drain Printer nobody", R"(
! scoutctl: not found: there is no instance nobody of service Printer in cluster default (INSTANCE_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl service drain Printer laser --drain-timeout 11m", R"(
! scoutctl: invalid argument: timeout: is 11m, must be from 0 to 10m (INVALID_FIELD)
[exit 2]
)");
}

}  // namespace
}  // namespace scoutlight::testing
