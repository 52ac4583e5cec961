"""Finds a printer, then watches which there are, until Ctrl-C: find.py [HOST:PORT]"""
import sys

import grpc
from scoutlight.discovery.v1.discovery_pb2 import ResolveRequest, WatchRequest
from scoutlight.discovery.v1.discovery_pb2_grpc import DiscoveryServiceStub

discovery = DiscoveryServiceStub(grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7400"))
try:
    pick = discovery.Resolve(ResolveRequest(service="Printer"), timeout=5).picks[0]
    print("found", pick.instance.id, "at", pick.endpoint.url, flush=True)
    for frame in discovery.Watch(WatchRequest(service="Printer")):
        for printer in frame.changed:
            print(printer.id, "works" if printer.resolvable else "does not work", flush=True)
        for name in frame.removed:
            print(name, "has gone", flush=True)
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
except KeyboardInterrupt:
    pass
