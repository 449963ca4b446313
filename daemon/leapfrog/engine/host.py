"""The engine host: keeps models on one device and runs them on tensors that arrive over a socket.

This one file needs only the standard library, numpy and a TFLite runtime, on Python 3.7 or newer, so that
`engine.python` can be a board's own old interpreter; and `processes/confinement.py`, with which it gives up all rights
but to its models and its device. Google's pycoral comes with `tflite_runtime`, so the two runtimes below are enough.
The `pycoral` on the package index is an unrelated program and is never imported.

The protocol, version 1, all numbers big-endian. A frame is `header length (4 bytes), payload length (8 bytes)`, a JSON
header and the payload. The host first sends a hello:
    {"protocol": 1, "runtime": "ai_edge_litert", "runtime_version": "2.3.0", "device": "cpu", "python": "3.11.7"}
Then it answers requests one by one. Each answer has the `id` of its request:
    {"id": 1, "op": "ping"}                                -> {"id": 1, "ok": true}
    {"id": 2, "op": "load", "path": "...", "threads": 1}   -> {"id": 2, "ok": true, "model": 0, "inputs": [TENSOR],
                                                              "outputs": [TENSOR]}
        with "on_edge_tpu": true, a model made by edgetpu_compiler, for a host that has an Edge TPU
    {"id": 3, "op": "invoke", "model": 0} + input bytes    -> {"id": 3, "ok": true, "milliseconds": 9.8} + output bytes
    any request that fails                                 -> {"id": 4, "ok": false, "error": "..."}
TENSOR is {"shape": [1, 224, 224, 1], "dtype": "int8", "scale": 0.0078, "zero_point": 0}. Tensors follow one another in
the payload in the model's order, C-contiguous, in the machine's byte order. The host ends when the socket is closed.

With --inventory it serves no requests. It prints as JSON what this interpreter has and the devices that the Edge TPU's
library lists.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import runpy
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence  # noqa: UP035 - Python 3.7

import numpy as np

PROTOCOL_VERSION = 1
FRAME = struct.Struct(">IQ")
LARGEST_HEADER = 64 * 1024  # bytes
LARGEST_PAYLOAD = 64 * 1024 * 1024  # bytes; a 4096 x 4096 picture as float32
DRAIN_CHUNK = 1024 * 1024  # bytes
EDGE_TPU_LIBRARY = "libedgetpu.so.1"
MODEL_LIMIT = 16  # models that may be loaded at once
NICE_STEP = 5  # receiving an image matters more than reading one
PR_SET_PDEATHSIG = 1  # linux/prctl.h
CONFINEMENT = Path(__file__).parent.parent / "processes" / "confinement.py"
OOM_SCORE = "500"  # of 1000; if memory runs out, the kernel kills this child before the daemon (proc(5))


class RequestError(Exception):
    """A request that cannot be carried out. Its text is sent back as the error."""


class ConnectionOver(Exception):
    """The other side is gone, or what it sends is not a valid frame."""


class Answer(NamedTuple):
    """An answer: its header, without the id, and the bytes of the output tensors."""

    header: dict[str, Any]
    tensors: list[bytes]


class Runtime(NamedTuple):
    """The TFLite runtime of this interpreter. `module` has Interpreter and load_delegate."""

    name: str
    version: str
    module: Any


class EdgeTpu(NamedTuple):
    """An Edge TPU by libedgetpu's name for it, such as "usb:0", and the library that drives it."""

    device: str
    library: str


class Model:
    """A model that stays in memory, with the details of its tensors."""

    def __init__(self, runtime: Runtime, path: str, threads: int, edge_tpu: EdgeTpu | None = None) -> None:
        """Load the model for `edge_tpu` or else the processor. Raises RequestError when the runtime cannot load it."""
        try:
            # Each model has its own delegate, as in pycoral; the library shares the device among them.
            delegates = None
            if edge_tpu:
                delegates = [runtime.module.load_delegate(edge_tpu.library, {"device": edge_tpu.device})]
            self.interpreter = runtime.module.Interpreter(
                model_path=path, num_threads=threads, experimental_delegates=delegates
            )
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as problem:
            raise RequestError(f"the model cannot be loaded: {str(problem)[:500]}") from problem
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def invoke(self, payload: bytearray) -> list[bytes]:
        """Run the model on the input tensors in `payload`. Returns the bytes of the output tensors."""
        needed = sum(_byte_count(details) for details in self.inputs)
        if len(payload) != needed:
            raise RequestError(f"the input tensors have {len(payload)} bytes; the model needs {needed}")
        start = 0
        try:
            for details in self.inputs:
                count = int(np.prod(details["shape"]))
                tensor = np.frombuffer(payload, details["dtype"], count, start).reshape(details["shape"])
                self.interpreter.set_tensor(details["index"], tensor)
                start += _byte_count(details)
            self.interpreter.invoke()
        except (ValueError, RuntimeError) as problem:
            raise RequestError(f"the model cannot be run: {str(problem)[:500]}") from problem
        return [self.interpreter.get_tensor(details["index"]).tobytes() for details in self.outputs]


class Host:
    """Answers requests on one connection until it is closed."""

    def __init__(self, connection: socket.socket, runtime: Runtime, edge_tpu: EdgeTpu | None = None) -> None:
        """Without an Edge TPU every model runs on the processor."""
        self._connection = connection
        self._runtime = runtime
        self._edge_tpu = edge_tpu
        self._models: list[Model] = []
        self._operations: dict[str, Callable[[dict[str, Any], bytearray], Answer]] = {
            "ping": self._ping,
            "load": self._load,
            "invoke": self._invoke,
        }

    def serve(self) -> None:
        """Send the hello, then answer requests. Returns when the other side is gone."""
        try:
            hello = {
                "protocol": PROTOCOL_VERSION,
                "runtime": self._runtime.name,
                "runtime_version": self._runtime.version,
                "device": "edgetpu" if self._edge_tpu else "cpu",
                "python": ".".join(str(part) for part in sys.version_info[:3]),
            }
            send(self._connection, hello)
            while True:
                self._answer_one()
        except ConnectionOver:
            return

    def _answer_one(self) -> None:
        header_length, payload_length = FRAME.unpack(receive(self._connection, FRAME.size))
        if header_length > LARGEST_HEADER:
            raise ConnectionOver
        try:
            header = json.loads(receive(self._connection, header_length).decode("utf-8"))
        except ValueError as problem:
            raise ConnectionOver from problem
        request = header if isinstance(header, dict) else {}
        try:
            if payload_length > LARGEST_PAYLOAD:
                self._drain(payload_length)
                raise RequestError(f"{payload_length} bytes are more than a request may contain ({LARGEST_PAYLOAD})")
            payload = receive(self._connection, payload_length)
            operation = self._operations.get(str(request.get("op")))
            if operation is None:
                raise RequestError(f"unknown operation {request.get('op')!r}")
            answer = operation(request, payload)
        except RequestError as problem:
            answer = Answer({"ok": False, "error": str(problem)}, [])
        answer.header["id"] = request.get("id")
        send(self._connection, answer.header, answer.tensors)

    def _ping(self, _request: dict[str, Any], _payload: bytearray) -> Answer:
        return Answer({"ok": True}, [])

    def _load(self, request: dict[str, Any], _payload: bytearray) -> Answer:
        path, threads, on_edge_tpu = request.get("path"), request.get("threads", 1), request.get("on_edge_tpu", False)
        if not isinstance(path, str) or not isinstance(threads, int):
            raise RequestError("load needs a path and a number of threads")
        if len(self._models) >= MODEL_LIMIT:
            raise RequestError(f"{MODEL_LIMIT} models are already loaded, which is the limit")
        if on_edge_tpu and self._edge_tpu is None:
            raise RequestError("this engine host has no Edge TPU")
        model = Model(self._runtime, path, threads, self._edge_tpu if on_edge_tpu else None)
        self._models.append(model)
        header = {
            "ok": True,
            "model": len(self._models) - 1,
            "inputs": [_describe(details) for details in model.inputs],
            "outputs": [_describe(details) for details in model.outputs],
        }
        return Answer(header, [])

    def _invoke(self, request: dict[str, Any], payload: bytearray) -> Answer:
        index = request.get("model")
        if not isinstance(index, int) or not 0 <= index < len(self._models):
            raise RequestError(f"model {index!r} is not loaded")
        began = time.perf_counter()
        outputs = self._models[index].invoke(payload)
        return Answer({"ok": True, "milliseconds": round((time.perf_counter() - began) * 1000, 3)}, outputs)

    def _drain(self, length: int) -> None:
        while length > 0:
            length -= len(receive(self._connection, min(length, DRAIN_CHUNK)))


def send(connection: socket.socket, header: dict[str, Any], tensors: Sequence[bytes] = ()) -> None:
    """Send a frame. Raises ConnectionOver."""
    encoded = json.dumps(header).encode("utf-8")
    lengths = FRAME.pack(len(encoded), sum(len(tensor) for tensor in tensors))
    try:
        connection.sendall(b"".join([lengths, encoded, *tensors]))
    except OSError as problem:
        raise ConnectionOver from problem


def receive(connection: socket.socket, length: int) -> bytearray:
    """The next `length` bytes. Raises ConnectionOver."""
    content = bytearray(length)
    view, received = memoryview(content), 0
    while received < length:
        try:
            count = connection.recv_into(view[received:])
        except OSError as problem:
            raise ConnectionOver from problem
        if count == 0:
            raise ConnectionOver
        received += count
    return content


def _byte_count(details: dict[str, Any]) -> int:
    return int(np.prod(details["shape"]) * np.dtype(details["dtype"]).itemsize)


def _describe(details: dict[str, Any]) -> dict[str, Any]:
    scale, zero_point = details["quantization"]
    return {
        "shape": [int(length) for length in details["shape"]],
        "dtype": np.dtype(details["dtype"]).name,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }


def find_runtime() -> Runtime | None:
    """The newest TFLite runtime that this interpreter can import, or None."""
    try:
        import ai_edge_litert
        from ai_edge_litert import interpreter

        return Runtime("ai_edge_litert", str(ai_edge_litert.__version__), interpreter)
    except ImportError:
        pass
    try:
        import tflite_runtime
        from tflite_runtime import interpreter as older_interpreter

        return Runtime("tflite_runtime", str(tflite_runtime.__version__), older_interpreter)
    except ImportError:
        return None


def find_pycoral() -> str:
    """Which package named pycoral this interpreter has: "genuine" for Google's, "impostor" for the unrelated program on
    the package index, or "" for none. None of its code is run.
    """
    spec = importlib.util.find_spec("pycoral")
    if spec is None:
        return ""
    folders = spec.submodule_search_locations or []
    genuine = any((Path(folder) / "utils" / "edgetpu.py").is_file() for folder in folders)
    return "genuine" if genuine else "impostor"


class _Device(ctypes.Structure):
    """struct edgetpu_device in edgetpu_c.h."""

    _fields_ = [("type", ctypes.c_int), ("path", ctypes.c_char_p)]


DEVICE_TYPES = {0: "pci", 1: "usb"}  # enum edgetpu_device_type


def ask_library(library: str) -> dict[str, Any]:
    """The version of libedgetpu and the devices that it lists. Raises OSError when it cannot be loaded."""
    edgetpu = ctypes.CDLL(library)
    edgetpu.edgetpu_version.restype = ctypes.c_char_p
    edgetpu.edgetpu_list_devices.restype = ctypes.POINTER(_Device)
    edgetpu.edgetpu_list_devices.argtypes = [ctypes.POINTER(ctypes.c_size_t)]
    edgetpu.edgetpu_free_devices.argtypes = [ctypes.POINTER(_Device)]
    count = ctypes.c_size_t(0)
    listed = edgetpu.edgetpu_list_devices(ctypes.byref(count))
    devices = [
        {"type": DEVICE_TYPES.get(listed[index].type, "unknown"), "path": _text(listed[index].path)}
        for index in range(count.value)
    ]
    if listed:
        edgetpu.edgetpu_free_devices(listed)
    return {"library_version": _text(edgetpu.edgetpu_version()), "devices": devices}


def ask_pycoral() -> dict[str, Any]:
    """The same from Google's pycoral, which has its own libedgetpu. Raises ImportError when pycoral is broken."""
    edgetpu = importlib.import_module("pycoral.utils.edgetpu")
    devices = [{"type": str(device["type"]), "path": str(device["path"])} for device in edgetpu.list_edge_tpus()]
    return {"library_version": str(edgetpu.get_runtime_version()), "devices": devices}


def inventory(library: str) -> dict[str, Any]:
    """What this interpreter has for an Edge TPU: its runtime, pycoral, the library, and the devices that it lists."""
    runtime, pycoral = find_runtime(), find_pycoral()
    result: dict[str, Any] = {
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "runtime": runtime.name if runtime else "",
        "runtime_version": runtime.version if runtime else "",
        "pycoral": pycoral,
        "library_version": "",
        "devices": [],
        "problem": "",
    }
    try:
        result.update(ask_pycoral() if pycoral == "genuine" else ask_library(library))
    except (OSError, ImportError, AttributeError) as problem:
        result["problem"] = str(problem)[:500]
    return result


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def move_standard_output_to_stderr() -> None:
    """Redirect fd 1: native code prints there, and that must not be mistaken for an answer."""
    sys.stdout.flush()
    os.dup2(2, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends. If that has already happened, exit."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def yield_to_daemon() -> None:
    """Give way to the daemon. It decides when this process ends, because it lets a running job finish; and it comes
    first when processor time or memory is short.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICE_STEP)
    Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def give_up_rights(models: Sequence[str], library: str | None) -> None:
    """Keep what models in the folders `models` need, and the devices that `library` drives; None for the processor."""
    runpy.run_path(str(CONFINEMENT))["confine_engine_host"](models, library)


def main(arguments: list[str] | None = None) -> int:
    """Serve one connection, which is passed as an open file descriptor. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Leapfrog's engine host; the daemon starts it.")
    parser.add_argument("--fd", type=int, default=-1, help="the connection's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    parser.add_argument("--read", action="append", default=[], metavar="FOLDER", help="a folder with models")
    parser.add_argument("--edge-tpu", metavar="DEVICE", help="the Edge TPU for compiled models, such as usb:0")
    parser.add_argument("--library", default=EDGE_TPU_LIBRARY, help="the library that drives the Edge TPU")
    parser.add_argument("--inventory", action="store_true", help="only print what is available")
    options = parser.parse_args(arguments)
    answers = os.dup(1)
    move_standard_output_to_stderr()
    die_with_parent(options.parent)
    if options.inventory:
        if find_pycoral() == "genuine":
            with contextlib.suppress(ImportError, OSError):  # said when it is asked
                importlib.import_module("pycoral.utils.edgetpu")  # with its own libedgetpu, which may open files now
        give_up_rights((), options.library)
        os.write(answers, json.dumps(inventory(options.library)).encode("utf-8"))
        return 0
    os.close(answers)
    if options.fd < 0:
        parser.error("--fd is required")
    yield_to_daemon()
    give_up_rights(options.read, options.library if options.edge_tpu is not None else None)
    runtime = find_runtime()
    if runtime is None:
        sys.stderr.write(f"{sys.executable} has neither ai_edge_litert nor tflite_runtime\n")
        return 1
    with socket.socket(fileno=options.fd) as connection:
        edge_tpu = EdgeTpu(options.edge_tpu, options.library) if options.edge_tpu is not None else None
        Host(connection, runtime, edge_tpu).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
