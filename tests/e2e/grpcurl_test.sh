#!/usr/bin/env bash
# What a newcomer does with grpcurl and no proto file: every method of our services is called, and one that is not fails the test. Takes
# the server's program as its argument; SCOUTLIGHT_TOOLS names the folder that `./dev tools` fills.
set -euo pipefail

program=$PWD/$1
grpcurl=${SCOUTLIGHT_TOOLS:?run by ./dev test, which sets SCOUTLIGHT_TOOLS}/grpcurl
registry=scoutlight.registry.v1.RegistryService
leases=scoutlight.registry.v1.LeaseService
registration=scoutlight.discovery.v1.RegistrationService
discovery=scoutlight.discovery.v1.DiscoveryService
schemas=scoutlight.discovery.v1.SchemaService
topologies=scoutlight.topology.v1.TopologyService
admin=scoutlight.admin.v1.AdminService
folder=$(mktemp -d "${TEST_TMPDIR:-/tmp}/grpcurl-XXXXXX")
failed=0
# The methods that have answered a call as they should.
declare -A answered

coproc SERVER { exec "$program" --listen=127.0.0.1:0 --data-dir="$folder/data" 2>&1; }
# shellcheck disable=SC2153  # coproc sets it.
server_pid=$SERVER_PID
trap 'kill -9 "$server_pid" 2>/dev/null || true; rm -rf "$folder"' EXIT

address=
while read -r -t 30 line <&"${SERVER[0]}"; do
  echo "server: $line"
  if [[ $line =~ listening\ on\ ([^ ]+) ]]; then
    address=${BASH_REMATCH[1]}
    break
  fi
done
[[ -n $address ]] || { echo "the server does not listen"; exit 1; }

# Runs grpcurl with the arguments, into $output; its exit code is in $code.
run() {
  code=0
  output=$("$grpcurl" -plaintext -max-time 20 "$@" 2>&1) || code=$?
}

# The arguments must stand in $output.
expect() {
  local wanted
  for wanted in "$@"; do
    [[ $output == *"$wanted"* ]] && continue
    printf 'FAILED: "%s" is not in\n%s\n' "$wanted" "${output:0:2000}"
    failed=1
  done
}

expect_not() {
  local unwanted
  for unwanted in "$@"; do
    [[ $output == *"$unwanted"* ]] || continue
    printf 'FAILED: "%s" is in\n%s\n' "$unwanted" "${output:0:2000}"
    failed=1
  done
}

expect_code() {
  [[ $code -eq $1 ]] && return
  printf 'FAILED: exit code %s, not %s, with\n%s\n' "$code" "$1" "$output"
  failed=1
}

# Calls method $1 with the JSON $2; it must succeed.
call() {
  run -d "$2" "$address" "$1"
  expect_code 0
  if ((code == 0)); then answered[${1/\//.}]=1; fi
}

# Calls the streaming method $1, which goes on until its time is over (4: DEADLINE_EXCEEDED): enough of it for a busy machine.
watch() {
  run -max-time 3 -d "$2" "$address" "$1"
  expect_code 68
  if ((code == 68)); then answered[${1/\//.}]=1; fi
}

# Calls method $1 with the JSON $2; it must fail.
refused() {
  run -d "$2" "$address" "$1"
  # grpcurl exits with 64 and the number of the code.
  expect_code "$((64 + $3))"
}

run "$address" list
expect_code 0
expect "$registry" "$leases" "$registration" "$discovery" "$schemas" "$topologies" \
  grpc.health.v1.Health grpc.reflection.v1.ServerReflection grpc.reflection.v1alpha.ServerReflection

run "$address" list "$registry"
expect "$registry.Get" "$registry.List" "$registry.Put" "$registry.Delete" "$registry.Transact" "$registry.Watch" "$registry.WatchMany"

run "$address" list "$leases"
expect "$leases.Grant" "$leases.Revoke" "$leases.Renew" "$leases.KeepAlive" "$leases.GetLease" "$leases.ListLeases"

run "$address" describe
expect_code 0
run "$address" describe "$leases.KeepAlive"
expect_code 0
expect "rpc KeepAlive ( stream .scoutlight.registry.v1.KeepAliveRequest ) returns ( stream .scoutlight.registry.v1.KeepAliveResponse );"
run "$address" describe scoutlight.registry.v1.GrantRequest
expect ".google.protobuf.Duration ttl = 1;" "int64 lease_id = 2;"
for method in Get List Put Delete Transact; do
  run "$address" describe "$registry.$method"
  expect_code 0
  expect "rpc $method ( .scoutlight.registry.v1.${method}Request ) returns ( .scoutlight.registry.v1.${method}Response );"
  for message in "${method}Request" "${method}Response"; do
    run "$address" describe "scoutlight.registry.v1.$message"
    expect_code 0
    expect "message $message {"
  done
done
for name in Entry Condition Operation Operation.Put Operation.Delete Operation.Get Operation.List OperationResult OperationResult.List \
  Scope Order ErrorReason Condition.Comparison; do
  run "$address" describe "scoutlight.registry.v1.$name"
  expect_code 0
  expect "${name##*.}"
done
run "$address" describe scoutlight.registry.v1.Entry
expect "oneof content {" "string text = 2;" "bytes data = 3;"
run "$address" describe grpc.health.v1.Health
expect_code 0
expect "rpc Check" "rpc Watch"
run "$address" describe no.such.Name
[[ $code -ne 0 ]] || { echo "FAILED: an unknown name is described"; failed=1; }
expect "not found"

# Both generations of reflection, each as a call.
for version in v1 v1alpha; do
  call "grpc.reflection.$version.ServerReflection/ServerReflectionInfo" \
    '{"list_services": ""} {"file_containing_symbol": "scoutlight.registry.v1.Entry"} {"file_by_filename": "grpc/health/v1/health.proto"}
     {"file_containing_symbol": "no.such.Name"}'
  expect '"name": "'"$registry"'"' file_descriptor_proto error_response
done

call grpc.health.v1.Health/Check '{}'
expect '"status": "SERVING"'
call grpc.health.v1.Health/Check '{"service": "'"$registry"'"}'
expect '"status": "SERVING"'
refused grpc.health.v1.Health/Check '{"service": "no.such.Service"}' 5

call "$registry/Put" '{"key": "/office/printers/laser/host", "text": "192.168.1.101"}'
expect '"revision": "2"' '"create_revision": "2"' '"version": "1"' '"store_id": "'
call "$registry/Put" '{"key": "/office/printers/laser/host", "text": "Gerät 7", "expected_mod_revision": 2, "return_previous": true}'
expect '"revision": "3"' '"text": "192.168.1.101"'
call "$registry/Put" '{"key": "/office/raw", "data": "AAH/", "request_id": "once"}'
call "$registry/Put" '{"key": "/office/raw", "data": "AAH/", "request_id": "once"}'
expect '"replayed": true' '"revision": "4"'
call "$registry/Get" '{"key": "/office/printers/laser/host"}'
expect '"text": "Gerät 7"' '"mod_revision": "3"' '"has_value": true'
call "$registry/Get" '{"key": "/office/printers/laser/host", "revision": 2}'
expect '"text": "192.168.1.101"'
call "$registry/Get" '{"key": "/office/raw"}'
expect '"data": "AAH/"'
call "$registry/List" '{"parent": "/office"}'
expect '"key": "/office/printers"' '"has_children": true' '"key": "/office/raw"'
call "$registry/List" '{"parent": "/", "scope": "SCOPE_SUBTREE", "order": "ORDER_CREATION", "keys_only": true, "page_size": 1}'
expect '"key": "/office/printers/laser/host"' '"next_page_token": "'
call "$registry/Transact" '{
  "conditions": [{"key": "/office/printers/laser/host", "exists": true}, {"key": "/office/raw", "version": 1}],
  "on_success": [{"put": {"key": "/office/a", "text": "1"}}, {"delete": {"key": "/office/raw"}}, {"get": {"key": "/office/a"}},
                 {"list": {"parent": "/office"}}]}'
expect '"succeeded": true' '"revision": "5"' '"deleted": "1"' '"text": "1"'
watch "$registry/Watch" '{"key": "/office", "scope": "SCOPE_SUBTREE", "include_snapshot": true, "heartbeat": "0.1s"}'
expect KIND_STARTED KIND_SNAPSHOT '"key": "/office/a"' KIND_SNAPSHOT_END KIND_PROGRESS '"revision": "5"'
watch "$registry/WatchMany" \
  '{"create": {"watch_id": 7, "watch": {"key": "/office/a", "start_revision": 5, "include_previous": true}}}'
expect '"watch_id": "7"' KIND_CHANGES KIND_PUT EVENT_CAUSE_WRITE '"previous_known": true' '"commit_time": "'
call "$registry/Delete" '{"key": "/office/printers", "scope": "SCOPE_SUBTREE", "validate_only": true}'
expect '"deleted": "1"' '"revision": "5"'
call "$registry/Delete" '{"key": "/office/printers", "scope": "SCOPE_SUBTREE"}'
expect '"deleted": "1"' '"revision": "6"'

call grpc.health.v1.Health/Check '{"service": "'"$leases"'"}'
expect '"status": "SERVING"'
call "$leases/Grant" '{"ttl": "600s", "lease_id": 7}'
expect '"lease_id": "7"' '"ttl": "600s"' '"remaining": "' '"revision": "6"' '"store_id": "'
call "$registry/Put" '{"key": "/office/scanner", "text": "here", "lease_id": 7}'
expect '"revision": "7"'
call "$leases/Renew" '{"lease_ids": [7, 8]}'
expect '"outcome": "OUTCOME_RENEWED"' '"ttl": "600s"' '"outcome": "OUTCOME_NOT_FOUND"' '"revision": "7"'
# Two messages on one stream, which ends when grpcurl has sent them.
call "$leases/KeepAlive" '{"lease_ids": [7]} {"lease_ids": [8]}'
expect '"outcome": "OUTCOME_RENEWED"' '"outcome": "OUTCOME_NOT_FOUND"'
call "$leases/GetLease" '{"lease_id": 7, "include_keys": true}'
expect '"ttl": "600s"' '"keys": [' '"/office/scanner"' '"key_count": "1"'
call "$leases/ListLeases" '{}'
expect '"leases": [' '"lease_id": "7"'
call "$leases/Revoke" '{"lease_id": 7}'
expect '"deleted": "1"' '"revision": "8"'

# Errors tell what is wrong.
refused "$registry/Get" '{"key": "/none"}' 5
expect 'Code: NotFound' 'type.googleapis.com/google.rpc.ErrorInfo' '"reason": "KEY_NOT_FOUND"' '"domain": "scoutlight"' '"revision": "8"' \
  'google.rpc.ResourceInfo' '"resource_name": "/none"'
refused "$registry/Put" '{"key": "/a//b", "lease_id": -1}' 3
expect 'Code: InvalidArgument' '"reason": "INVALID_KEY"' google.rpc.BadRequest '"field": "key"' '"field": "lease_id"'
refused "$registry/Put" '{"key": "/office/a", "text": "2", "if_absent": true}' 6
expect 'Code: AlreadyExists' '"reason": "KEY_EXISTS"'
refused "$registry/Put" '{"key": "/office/a", "text": "2", "expected_mod_revision": 4}' 9
expect 'Code: FailedPrecondition' '"reason": "CONDITION_FAILED"'
refused "$registry/Get" '{"key": "/office/a", "revision": 100}' 11
expect 'Code: OutOfRange' '"reason": "FUTURE_REVISION"' '"oldest_revision": "1"'
refused "$leases/Grant" '{"ttl": "0.5s", "lease_id": -1}' 3
expect 'Code: InvalidArgument' '"reason": "INVALID_FIELD"' '"field": "ttl"' '"field": "lease_id"'
refused "$leases/Revoke" '{"lease_id": 7}' 5
expect 'Code: NotFound' '"reason": "LEASE_NOT_FOUND"' '"resource_name": "7"'

# Discovery. The instances are read in the background, and asked for until they are there.
for ((i = 0; i < 100; ++i)); do
  run -d '{}' "$address" "$discovery/ListClusters"
  if ((code == 0)); then break; fi
done
for service in "$registration" "$discovery" "$schemas"; do
  call grpc.health.v1.Health/Check '{"service": "'"$service"'"}'
  expect '"status": "SERVING"'
done

laser='{"service": "Printer", "id": "laser"}'
laser_properties='{"hostname": "192.168.1.101", "port": "8001", "protocol": "https"}'
call "$registration/Register" \
  '{"instance": {"service": "Printer", "id": "laser", "properties": '"$laser_properties"'}, "ttl": "600s", "session_id": "a"}'
expect '"cluster": "default"' '"id": "laser"' '"hostname": "192.168.1.101"' INSTANCE_STATUS_UP INSTANCE_HEALTH_PASSING '"lease_id": "' \
  '"epoch": "9"' '"registered_at": "' '"resolvable": true' '"url": "https://192.168.1.101:8001"' '"revision": "9"' '"store_id": "'
call "$registry/Get" '{"key": "/default/services/Printer/laser/hostname"}'
expect '"text": "192.168.1.101"' '"mod_revision": "9"'
call "$registration/RegisterAll" '{"registrations": [
  {"permanent": true, "instance": {"service": "Printer", "id": "inkjet", "properties": {"hostname": "192.168.1.102", "port": "8002",
                                   "endpoint.admin": "http://192.168.1.102:9000/status"}}},
  {"permanent": true, "instance": {"service": "Printer", "id": "broken", "properties": {"port": "none"}}}]}'
expect '"id": "inkjet"' '"epoch": "10"' '"code": 3' '"reason": "INVALID_FIELD"' '"instance.properties.port": "is' '"revision": "10"'
call "$registration/Update" \
  '{"name": '"$laser"', "epoch": 9, "set_properties": {"zone": "north", "port": "8443"}, "remove_properties": ["version"]}'
expect '"zone": "north"' '"url": "https://192.168.1.101:8443"' '"epoch": "9"' '"mod_revision": "11"' '"revision": "11"'

call "$discovery/ListClusters" '{"min_revision": 11}'
expect '"clusters": [' '"default"' '"revision": "11"' '"store_id": "'
call "$discovery/ListServices" '{"cluster": "default"}'
expect '"name": "Printer"' '"instances": 2' '"resolvable": 2'
call "$discovery/ListInstances" '{"service": "Printer", "page_size": 1}'
expect '"id": "inkjet"' '"next_page_token": "' '"revision": "11"'
expect_not '"id": "laser"'
call "$discovery/ListInstances" '{"service": "Printer", "filter": "zone == \"north\" and port >= 8443"}'
expect '"id": "laser"'
expect_not '"id": "inkjet"' next_page_token
call "$discovery/GetInstance" '{"name": '"$laser"'}'
expect '"id": "laser"' '"port": "8443"' '"create_revision": "9"' '"mod_revision": "11"'
call "$discovery/Resolve" '{"service": "Printer", "count": 2}'
expect '"id": "inkjet"' '"id": "laser"' '"endpoint": {' '"strategy": "STRATEGY_ROUND_ROBIN"'
call "$discovery/Resolve" '{"service": "Printer", "endpoint": "admin", "strategy": "STRATEGY_CONSISTENT_HASH", "affinity_key": "paper"}'
expect '"id": "inkjet"' '"url": "http://192.168.1.102:9000/status"' '"strategy": "STRATEGY_CONSISTENT_HASH"'
expect_not '"id": "laser"'
call "$registration/PutOverride" '{"name": '"$laser"', "reason": "paper jam", "ttl": "600s"}'
expect '"reason": "paper jam"' '"author": "host:127.0.0.1"' '"created_at": "' '"expires_at": "' '"revision": "12"'
call "$discovery/ListOverrides" '{"cluster": "default", "service": "Printer"}'
expect '"id": "laser"' '"reason": "paper jam"' '"revision": "12"'
watch "$discovery/Watch" '{"service": "Printer", "filter": "port == 8443", "heartbeat": "0.1s"}'
expect KIND_SNAPSHOT '"id": "laser"' '"reason": "paper jam"' KIND_SNAPSHOT_END KIND_PROGRESS '"revision": "12"'
expect_not '"id": "inkjet"'
refused "$discovery/Resolve" '{"service": "Printer", "filter": "protocol == \"https\""}' 9
expect 'Code: FailedPrecondition' '"reason": "NONE_MATCHES"' '"resource_name": "default/Printer"'
call "$registration/DeleteOverride" '{"name": '"$laser"'}'
expect '"found": true' '"revision": "13"'
call "$discovery/Resolve" '{"service": "Printer", "filter": "protocol == \"https\""}'
expect '"id": "laser"'

# A schema of one's own.
devices='{\"name\": \"devices\", \"pattern\": \"/{cluster}/devices/{service}/{instance}/{property}\",
          \"properties\": {\"port\": {\"type\": \"port\", \"required\": true}}}'
devices=${devices//$'\n'/ }
call "$schemas/CheckSchema" '{"document": "'"$devices"'", "min_revision": 13}'
expect '"document": "{' '\"name\":\"devices\"' '"revision": "13"' '"store_id": "'
expect_not mistakes breaks
call "$schemas/CheckSchema" '{"document": "{\"name\": \"printers\", \"pattern\": \"/none\", \"serializer\": \"none\"}"}'
expect '"mistakes": [' '"field": "pattern"' '"field": "serializer"'
for again in '' '"replayed": true'; do
  call "$schemas/PutSchema" '{"document": "'"$devices"'", "request_id": "devices"}'
  expect '"version": "1"' '\"required\":true' '"revision": "14"' '"applied": true' "$again"
done
call "$schemas/GetSchema" '{"name": "devices"}'
expect '"name": "devices"' '"version": "1"' '\"pattern\":\"/{cluster}/devices/{service}/{instance}/{property}\"'
call "$schemas/ListSchemas" '{}'
expect '"name": "devices"' '"name": "members"' '"name": "printers"' '"name": "service"' '"shipped": true' '"revision": "14"'
call "$schemas/PutBinding" '{"binding": {"cluster": "default", "service": "Scanner", "schema": "devices"}}'
expect '"revision": "15"' '"applied": true'
call "$schemas/ListBindings" '{}'
expect '"service": "Scanner"' '"schema": "devices"' '"schema": "printers"' '"revision": "15"'
refused "$registration/Register" '{"permanent": true, "instance": {"service": "Scanner", "id": "flatbed"}}' 3
expect 'Code: InvalidArgument' '"field": "instance.properties.port"' '"description": "is missing"'
call "$registration/Register" '{"permanent": true, "instance": {"service": "Scanner", "id": "flatbed", "properties": {"port": "6566"}}}'
call "$registry/Get" '{"key": "/default/devices/Scanner/flatbed/port"}'
expect '"text": "6566"' '"revision": "16"'
refused "$schemas/DeleteSchema" '{"name": "devices"}' 9
expect 'Code: FailedPrecondition' '"reason": "SCHEMA_IN_USE"'
call "$registration/Deregister" '{"name": {"service": "Scanner", "id": "flatbed"}}'
expect '"found": true' '"revision": "17"'
call "$schemas/PutBinding" '{"binding": {"cluster": "default", "service": "Scanner"}}'
call "$schemas/DeleteSchema" '{"name": "devices"}'
expect '"found": true' '"revision": "19"'

call "$registration/Session" '{"open": {"session_id": "desk", "ttl": "600s"}}
  {"declare": {"set": [{"service": "Plotter", "id": "wide", "properties": {"hostname": "192.168.1.103", "port": "8003"}}]}}
  {"heartbeat": {"values": [{"name": {"service": "Plotter", "id": "wide"}, "soft": {"load": 0.5}}]}} {"leave": {}}'
# It leaves before it may have heard that the plotter was registered.
expect '"opened": {' '"lease_id": "' '"alive": {' '"state": "STATE_REMOVED"' '"left": {' '"store_id": "'
call "$discovery/Subscribe" '{"subscriber_id": "pager", "add": [{"service": "Printer"}]} {"goodbye": true}'
expect '"subscriber_id": "pager"'
call "$discovery/ListSubscribers" '{}'
expect '"revision": "' '"store_id": "'
call "$registration/Drain" '{"name": '"$laser"', "epoch": 9, "timeout": "0.1s"}'
expect '"revision": "' '"store_id": "'
call "$discovery/GetInstance" '{"name": '"$laser"'}'
expect '"status": "INSTANCE_STATUS_DRAINING"'
expect_not '"resolvable": true'
call "$registration/ConfirmLoss" '{"service": "Printer"}'
expect '"revision": "' '"store_id": "'
expect_not confirmed

call "$registration/Deregister" '{"name": '"$laser"', "epoch": 9}'
expect '"found": true' '"revision": "'
refused "$registry/Get" '{"key": "/default/services/Printer/laser/hostname"}' 5
refused "$discovery/GetInstance" '{"name": '"$laser"'}' 5
expect 'Code: NotFound' '"reason": "INSTANCE_NOT_FOUND"' '"resource_name": "default/Printer/laser"'

# Who is linked with whom.
call grpc.health.v1.Health/Check '{"service": "'"$topologies"'"}'
expect '"status": "SERVING"'
mails='{\"feeder\": {\"links\": [{\"outgate\": \"sink\", \"queue\": \"mails\", \"type\": \"PUSH\"}]},
        \"sink\": {\"links\": [{\"addresses\": [\"tcp://0.0.0.0:5678\"], \"queue\": \"mails\", \"type\": \"PULL\"}]}}'
mails=${mails//$'\n'/ }
call "$topologies/Apply" '{"document": "'"$mails"'", "validate_only": true}'
expect '"version": "1"' '"service": "feeder"' '"end": "END_OUT"' '"total": 2'
refused "$topologies/Get" '{}' 5
expect 'Code: NotFound' '"reason": "KEY_NOT_FOUND"' '"resource_name": "/.scoutlight/topologies/default"'
for again in '' '"replayed": true'; do
  call "$topologies/Apply" '{"document": "'"$mails"'", "request_id": "mails", "comment": "the first"}'
  expect '"version": "1"' '"applied_by": "host:127.0.0.1"' '"comment": "the first"' '"store_id": "' "$again"
done
refused "$topologies/Apply" '{"document": "{\"feeder\": {\"links\": [{\"outgate\": \"sink\", \"type\": \"push\"}]}}"}' 3
expect 'Code: InvalidArgument' '"field": "feeder.links[0].queue"' '"field": "feeder.links[0].type"' '; known are PUSH, PULL'
call "$topologies/Get" '{}'
expect '"document": "{' '\"queue\": \"mails\"' '"version": "1"'
call "$topologies/Apply" '{"document": "{}", "expected_version": 1}'
expect '"version": "2"' '"before": "{' '"total": 2'
refused "$topologies/Apply" '{"document": "{}", "expected_version": 1}' 9
expect 'Code: FailedPrecondition' '"reason": "CONDITION_FAILED"' 'the newest version is 2'
call "$topologies/Rollback" '{"version": 1}'
expect '"version": "3"' '"restored_version": "1"'
call "$topologies/ListVersions" '{}'
expect '"version": "3"' '"version": "2"' '"version": "1"'
expect_not document
watch "$topologies/Watch" '{"heartbeat": "0.1s"}'
expect KIND_CURRENT '"version": "3"' '\"queue\": \"mails\"' KIND_PROGRESS
call "$topologies/Delete" '{"comment": "no mails any more"}'
expect '"found": true' '"version": "4"' '"deleted": true'

call "$admin/Status" '{}'
expect '"version": "' '"state": "SERVING_STATE_SERVING"' '"kind": "rocksdb"' '"ready": true' '"key_bytes_max": "1024"' '"revision": "'

call "$admin/Backup" '{}'
expect '"chunk": "'
call "$admin/Compact" '{"revision": 2}'
expect '"oldest_revision": "2"' '"revision": "'
refused "$admin/Compact" '{"revision": 0}' 3
expect 'Code: InvalidArgument' 'at least 1'

# Nothing of ours has been left out.
run "$address" list
expect_code 0
methods=0
for service in $output; do
  [[ $service == scoutlight.* ]] || continue
  run "$address" list "$service"
  expect_code 0
  for method in $output; do
    ((++methods))
    [[ -n ${answered[$method]:-} ]] && continue
    echo "FAILED: $method is served and was not called here"
    failed=1
  done
done
((methods >= 45)) || { echo "FAILED: only $methods methods are listed"; failed=1; }

kill -TERM "$server_pid"
code=0
wait "$server_pid" || code=$?
expect_code 0
if ((failed)); then exit 1; fi
echo "passed"
