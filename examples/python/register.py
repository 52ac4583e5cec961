"""A printer that registers itself, and stays so over restarts of the server, until Ctrl-C: register.py [HOST:PORT]"""
import signal
import sys
import threading
import time
import uuid

import grpc
from google.protobuf.duration_pb2 import Duration
from scoutlight.discovery.v1.registration_pb2 import Registration, SessionRequest
from scoutlight.discovery.v1.registration_pb2_grpc import RegistrationServiceStub

TTL = 10  # Seconds without a heartbeat after which it goes.
PRINTER = Registration(service="Printer", id="laser", properties={"hostname": "127.0.0.1", "port": "8001", "protocol": "http"})
# Pings show that a server has gone without a word.
CHANNEL = [("grpc.keepalive_time_ms", 10_500), ("grpc.keepalive_timeout_ms", 3_000)]
leaves = threading.Event()


def told(session_id):
    """What the server is told on one stream."""
    yield SessionRequest(open=SessionRequest.Open(session_id=session_id, ttl=Duration(seconds=TTL)))
    yield SessionRequest(declare=SessionRequest.Declare(set=[PRINTER]))
    while not leaves.wait(TTL / 3):
        yield SessionRequest(heartbeat=SessionRequest.Heartbeat())
    yield SessionRequest(leave=SessionRequest.Leave())


signal.signal(signal.SIGINT, lambda *_: leaves.set())
session_id = str(uuid.uuid4())  # The same on every stream: the server knows whose printer it is.
registration = RegistrationServiceStub(grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7400", CHANNEL))
while not leaves.is_set():
    try:
        for answer in registration.Session(told(session_id)):
            for state in answer.instances.states:
                print(f"{state.name.id} {state.State.Name(state.state)} {state.message}".strip(), flush=True)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        time.sleep(1)
