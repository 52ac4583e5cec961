// The verbs by which operators look into what programs hold, and change it: `lease`, `service update`, `service override`, `schema`,
// `kv txn`, `status`.
#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

using LeaseTest = ShellTest;
using ServiceChangeTest = ShellTest;
using SchemaTest = ShellTest;
using TransactionTest = ShellTest;
using StatusTest = ShellTest;

TEST_F(LeaseTest, LeasesAreListedShownAndRevoked) {
  Shows("scoutctl lease list", "! nothing there\n");
  Shows("scoutctl lease list -o json", R"(
{
  "leases": [],
  "revision": 1,
  "store_id": "STORE"
}
)");
  Shown("scoutctl service register Printer --id laser hostname=h1 --ttl 1h");
  Shows("scoutctl lease list | sed 's/59m5[0-9]s/59m5?s/' | tr -s ' '", R"(
LEASE ID TTL REMAINING
LEASE 1h 59m5?s
)");
  Shows("scoutctl lease list -o json | grep -c '\"remaining\": \"59m5'; scoutctl lease list -o name", R"(
1
LEASE
)");
  Shows("scoutctl lease get $(scoutctl lease list -o name) -o json | grep -v '\"remaining\": \"59m5'", R"(
{
  "lease_id": "LEASE",
  "ttl": "1h",
  "key_count": 2,
  "keys": [
    "/.scoutlight/instances/default/Printer/laser",
    "/default/services/Printer/laser/hostname"
  ],
  "revision": 2,
  "store_id": "STORE"
}
)");
  Shows("scoutctl lease revoke $(scoutctl lease list -o name)", R"(
! scoutctl: invalid argument: --yes: is missing: nobody can be asked whether to revoke lease LEASE with 2 keys (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl lease revoke $(scoutctl lease list -o name) --yes", R"(
revoked lease LEASE, and deleted 2 keys at revision 3
)");
  Shows("scoutctl lease list", "! nothing there\n");
  Shows("scoutctl lease get 7", R"(
! scoutctl: not found: there is no lease 7 (any more) (LEASE_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl lease revoke 7 --yes 2>&1 | grep -o LEASE_NOT_FOUND", "LEASE_NOT_FOUND\n");
  Shows("scoutctl lease get first", R"(
! scoutctl: invalid argument: LEASE: must be 1 to LEASE, is "first"; see scoutctl lease get --help
[exit 2]
)");
}

TEST_F(ServiceChangeTest, PropertiesAreSetAndRemovedAtOnce) {
  Shown("scoutctl service register Printer --id laser hostname=h1 port=8001 note=old --permanent");
  Shows("scoutctl service update Printer laser zone=north --remove note", "updated Printer/laser at revision 3\n");
  Shows("scoutctl kv list /default/services/Printer/laser -o name", R"(
/default/services/Printer/laser/hostname
/default/services/Printer/laser/port
/default/services/Printer/laser/zone
)");
  Shows("scoutctl service update Printer laser hostname=h2 --replace -o json | grep -A2 '\"properties\"'", R"(
  "properties": {
    "hostname": "h2"
  },
)");
  Shows("scoutctl service update Printer laser", R"(
! scoutctl: invalid argument: NAME=VALUE: is missing, and --remove too (INVALID_FIELD)
[exit 2]
)");
  Shows(
      "scoutctl service update Printer inkjet zone=north -o json 2>&1 >/dev/null | grep reason; scoutctl service update Printer inkjet a=b "
      "2>/dev/null",
      R"(
  "reason": "INSTANCE_NOT_FOUND",
[exit 3]
)");
}

TEST_F(ServiceChangeTest, ARecursiveDeletionSaysWhichServicesItHits) {
  Shown("for id in a b; do scoutctl service register Printer --id $id hostname=h --permanent; done");
  Shown("scoutctl --cluster office service register Scanner --id a hostname=h --permanent; scoutctl kv put /default/note 1");
  Shows("scoutctl kv delete /default -r 2>&1 | grep -o 'whether .*'",
        "whether to delete 3 keys at and below /default, with 2 instances of Printer (INVALID_FIELD)\n");
  Shows("scoutctl kv delete /office/services -r 2>&1 | grep -o 'with .*'", "with 1 instance of office:Scanner (INVALID_FIELD)\n");
  Shown("for service in A B C D E F; do scoutctl service register $service --id a hostname=h --permanent; done");
  Shows("scoutctl kv delete /default -r 2>&1 | grep -o 'with .*'",
        "with 8 instances of A, B, C, D, E and 2 other services (INVALID_FIELD)\n");
  Shows("scoutctl kv delete /default -r --yes", "deleted 9 keys at and below /default at revision 12\n");
}

TEST_F(ServiceChangeTest, OverridesAreMadeShownAndTakenBack) {
  Shown("scoutctl service register Printer --id laser hostname=h1 --permanent");
  Shows("scoutctl service override list", "! nothing there\n");
  Shows("scoutctl service override put Printer laser --reason 'paper jam'", "took Printer/laser out of work at revision 3\n");
  Shows("scoutctl service override put Printer inkjet --reason broken --for 1h", "took Printer/inkjet out of work for 1h at revision 4\n");
  Shows("scoutctl service get Printer | tr -s ' '", R"(
ID STATUS HEALTH RESOLVABLE ENDPOINT ZONE PROBLEMS
laser UP passing no h1 - out of service: paper jam
)");
  Shows("scoutctl service override list Printer -o json | grep -v author", R"(
{
  "overrides": [
    {
      "cluster": "default",
      "service": "Printer",
      "id": "inkjet",
      "reason": "broken",
      "created_at": "TIME",
      "expires_at": "TIME"
    },
    {
      "cluster": "default",
      "service": "Printer",
      "id": "laser",
      "reason": "paper jam",
      "created_at": "TIME"
    }
  ],
  "revision": 4,
  "store_id": "STORE"
}
)");
  Shows("scoutctl service override list -o name", R"(
inkjet
laser
)");
  Shows("scoutctl service override delete Printer laser", "Printer/laser may work again, from revision 5\n");
  Shows("scoutctl service override delete Printer laser", "Printer/laser was not taken out of work\n");
  Shows("scoutctl service get Printer -o wide | grep -c 'out of service'", "0\n[exit 1]\n");
  Shows("scoutctl service override put Printer laser", R"(
! scoutctl: invalid argument: --reason is required; see scoutctl service override put --help
[exit 2]
)");
}

TEST_F(SchemaTest, SchemasAreCheckedStoredBoundAndDeleted) {
  Shown(R"(echo '{"name": "devices", "pattern": "/{cluster}/devices/{service}/{instance}/{property}",
                  "properties": {"port": {"type": "port", "required": true}}}' >$FILES/devices.json)");
  Shows("scoutctl schema check $FILES/devices.json", "it can be put\n");
  Shows("scoutctl schema check $FILES/devices.json -o json", R"(
{
  "findings": [],
  "revision": 1,
  "store_id": "STORE"
}
)");
  Shows("scoutctl schema put - <$FILES/devices.json", "put schema devices in version 1 at revision 2\n");
  Shows("scoutctl schema put $FILES/devices.json", "schema devices was just so already, in version 1\n");
  Shows("scoutctl schema list", R"(
NAME      VERSION  SHIPPED
devices   1        no
members   1        yes
printers  1        yes
service   1        yes
)");
  Shows(
      "scoutctl schema get devices -o json | grep -A4 -e '\"name\"' -e '\"properties\"' | head -20 | grep -c required; "
      "scoutctl schema get devices --raw | scoutctl schema put -",
      R"(
1
schema devices was just so already, in version 1
)");
  Shows("scoutctl schema bind Printer devices", "default:Printer is bound to devices from revision 3\n");
  Shows("scoutctl schema bind '*' none --all-clusters -o name", "*:*\n");
  Shows("scoutctl schema bindings", R"(
CLUSTER  SERVICE  SCHEMA
default  Printer  devices
*        *        none
)");
  Shows("scoutctl service register Printer --id laser hostname=h1 --permanent 2>&1 | head -c 48",
        "scoutctl: invalid argument: instance.properties.");
  Shows(
      "scoutctl service register Printer --id laser hostname=h1 port=80 --permanent -o name; scoutctl kv list /default/devices -r -o name",
      R"(
laser
/default/devices/Printer/laser/hostname
/default/devices/Printer/laser/port
)");
  Shows("scoutctl schema delete devices 2>&1 | grep -o SCHEMA_IN_USE", "SCHEMA_IN_USE\n");
  Shown("scoutctl service deregister Printer laser");
  Shows("scoutctl schema unbind Printer", "default:Printer is bound to nothing of its own from revision 7\n");
  Shows("scoutctl schema unbind Printer", "default:Printer is bound to nothing of its own, as it was already\n");
  Shows("scoutctl schema delete devices", "deleted schema devices at revision 8\n");
  Shows("scoutctl schema delete devices", "there is no schema devices\n");
}

TEST_F(SchemaTest, WhatIsWrongWithADocumentIsNamed) {
  Shows(R"(echo '{"name": "devices", "pattern": "/{cluster}"}' | scoutctl schema check - 2>&1 | tail -1)", R"(
scoutctl: invalid argument: the document cannot be put: it has mistakes
)");
  Shows(R"(echo '{"name": "devices", "pattern": "/{cluster}"}' | scoutctl schema check - -o name 2>/dev/null)", R"(
pattern
[exit 2]
)");
  Shows("echo '{' | scoutctl schema put - 2>&1 | head -c 37", "scoutctl: invalid argument: document:");
  Shows("scoutctl schema put /nowhere", R"(
! scoutctl: invalid argument: FILE: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl schema get nothing 2>&1 | grep -o SCHEMA_NOT_FOUND; scoutctl schema bind Printer nothing 2>&1 | grep -o SCHEMA_NOT_FOUND",
        R"(
SCHEMA_NOT_FOUND
SCHEMA_NOT_FOUND
)");
  Shows("scoutctl schema get printer", R"(
! scoutctl: not found: there is no schema printer; did you mean printers? (SCHEMA_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl schema bind Printer ''", R"(
! scoutctl: invalid argument: SCHEMA: is empty; scoutctl schema unbind takes a binding back (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(TransactionTest, EitherBranchIsCarriedOutAndShown) {
  Shown(R"(echo '{"conditions": [{"key": "/lock", "exists": false}],
                  "on_success": [{"put": {"key": "/lock", "value": "me"}},
                                 {"put": {"key": "/seed", "value": "/wE=", "encoding": "base64"}}],
                  "on_failure": [{"get": {"key": "/lock"}}, {"get": {"key": "/none"}}, {"list": {"parent": "/"}}]}' >$FILES/lock.json)");
  Shows("scoutctl kv txn $FILES/lock.json", R"(
OPERATION  KEY    RESULT
put        /lock  created
put        /seed  created
)");
  Shows("scoutctl kv txn - <$FILES/lock.json", R"(
OPERATION  KEY    RESULT
get        /lock  me
get        /none  not there
list       /      2 entries
! scoutctl: failed precondition: the conditions do not hold
[exit 4]
)");
  Shows(R"(echo '{"on_success": [{"put": {"key": "/lock", "value": "you", "return_previous": true}}, {"delete": {"key": "/seed"}}]}' |
           scoutctl kv txn - -o json)",
        R"(
{
  "results": [
    {
      "operation": "put",
      "key": "/lock",
      "create_revision": 2,
      "version": 2,
      "previous": {
        "key": "/lock",
        "mod_revision": 2,
        "create_revision": 2,
        "version": 1,
        "has_value": true,
        "has_children": false,
        "value": "me"
      }
    },
    {
      "operation": "delete",
      "key": "/seed",
      "deleted": 1
    }
  ],
  "succeeded": true,
  "revision": 3,
  "store_id": "STORE"
}
)");
  Shows(R"(echo '{"conditions": [{"key": "/lock", "value": "you"}]}' | scoutctl kv txn -)", "the conditions hold\n");
}

TEST_F(TransactionTest, WhatIsWrongIsNamedByItsPath) {
  Shows(R"(echo '{"on_success": [{"put": {"key": "/a"}}, {"move": {}}]}' | scoutctl kv txn - -o json 2>&1 | grep field)", R"(
      "field": "on_success[0].put.value",
      "field": "on_success[1]",
      "field": "on_success[1].move",
)");
  Shows(R"(echo '{"on_success": [{"put": {"key": "/a//b", "value": ""}}]}' | scoutctl kv txn - 2>&1 | head -c 52)",
        "scoutctl: invalid argument: on_success[0].put.key: \"");
  Shows(
      R"(echo '{"on_success": [{"put": {"key": "/a", "value": "", "expected_mod_revision": 9}}]}' |
         scoutctl kv txn - 2>&1 | grep -o CONDITION_FAILED)",
      "CONDITION_FAILED\n");
  Shows("scoutctl kv txn /nowhere 2>&1 | grep -c 'FILE: cannot be read'", "1\n");
}

TEST_F(StatusTest, EachOfSeveralServersIsAsked) {
  const std::string both = "scoutctl --endpoint $ADDRESS,127.0.0.1:1 --timeout 1s status";
  // The widths are those of addresses.
  Shows(both + " 2>&1 | sed 's/failed to connect.*/WHY/' | tr -s ' '", R"(
ENDPOINT STATE INSTANCES REVISION PROBLEMS
ADDRESS SERVING 0 of 0 services, 0 resolvable, 0 held 1 -
ADDRESS - - - WHY
scoutctl: unavailable: 1 of 2 servers serve
)");
  Shows(both + " -o name 2>/dev/null | wc -l", "2\n");
  Shows(both + " -o json 2>/dev/null | grep -e '\"endpoint\"' -e '\"state\"' -e '\"code\"'", R"(
      "endpoint": "ADDRESS",
      "state": "SERVING",
      "endpoint": "ADDRESS",
        "code": "UNAVAILABLE",
)");
  Shows(both + " -o wide 2>&1 | head -1 | tr -s ' '", "ENDPOINT STATE INSTANCES REVISION VERSION UPTIME STORE LEASES STREAMS PROBLEMS\n");
  Shows(both + " >/dev/null", "! scoutctl: unavailable: 1 of 2 servers serve\n[exit 6]\n");
  Shows("scoutctl --endpoint $ADDRESS --endpoint $ADDRESS status -o name", "ADDRESS\nADDRESS\n");
}

TEST_F(StatusTest, AServerSaysHowItDoes) {
  Shown(
      "scoutctl service register Printer --id a hostname=h health=critical --ttl 1h; scoutctl service register Printer --id b hostname=h "
      "--permanent");
  Shows("scoutctl status | grep -v -e uptime -e version -e 'store id' -e started", R"(
state            SERVING
problems         -
revision         3
store            memory
oldest revision  1
leases           1 of 1000000
streams          0 of 20000
watches          0, 0 behind; of instances 0
sessions         0
subscribers      0, 0 gone
instances        2 of 1 service, 1 resolvable, 0 held
guarded          -
)");
  Shows("scoutctl status -o json | grep -e '\"state\"' -e '\"leases\"' -e '\"resolvable\"' -e '\"lease_ttl_max_ms\"' -e started_at", R"(
  "state": "SERVING",
  "started_at": "TIME",
    "leases": 1,
    "resolvable": 1,
    "lease_ttl_max_ms": 86400000,
)");
  Shows("scoutctl status -o name", "SERVING\n");
  Shows("scoutctl status | grep -c lease_ttl_max_ms; scoutctl status --limits | grep -c lease_ttl_max_ms", "0\n1\n");
  server().Kill();
  Shows("scoutctl status --timeout 3s 2>/dev/null", "[exit 6]\n");
}

}  // namespace
}  // namespace scoutlight::testing
