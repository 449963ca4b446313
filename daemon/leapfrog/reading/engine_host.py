"""The engine host: holds models on one device and answers tensors over a socket.

One file that needs the standard library, numpy and one TFLite runtime, on Python 3.7 and up, so that `engine.python`
can be a board's own old interpreter. Google's pycoral brings `tflite_runtime` along, so the two runtimes below cover
it; the package index's `pycoral` is an unrelated program and is never imported.

The protocol, version 1, all numbers big-endian. A frame is `header length (4 bytes), payload length (8 bytes)`, a JSON
header and the payload. The host sends a hello without being asked:
    {"protocol": 1, "runtime": "ai_edge_litert", "runtime_version": "2.3.0", "device": "cpu", "python": "3.11.7"}
Then it answers requests one by one, each answer with the `id` of its request:
    {"id": 1, "op": "ping"}                                -> {"id": 1, "ok": true}
    {"id": 2, "op": "load", "path": "...", "threads": 1}   -> {"id": 2, "ok": true, "model": 0, "inputs": [TENSOR],
                                                              "outputs": [TENSOR]}
    {"id": 3, "op": "invoke", "model": 0} + input bytes    -> {"id": 3, "ok": true, "milliseconds": 9.8} + output bytes
    anything that cannot be done                           -> {"id": 4, "ok": false, "error": "..."}
TENSOR is {"shape": [1, 224, 224, 1], "dtype": "int8", "scale": 0.0078, "zero_point": 0}. Tensors follow one another in
the payload in the model's order, C-contiguous, in the machine's byte order. The host ends when the socket does.
Runs in the engine host.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple  # noqa: UP035 - Python 3.7

import numpy as np

PROTOCOL_VERSION = 1
FRAME = struct.Struct(">IQ")
LARGEST_HEADER = 64 * 1024  # bytes
LARGEST_PAYLOAD = 64 * 1024 * 1024  # bytes; a 4096 x 4096 picture as float32
DRAIN_CHUNK = 1024 * 1024  # bytes
MODEL_LIMIT = 16  # models that stay resident
NICE_STEP = 5  # receiving an image matters more than reading one
PR_SET_PDEATHSIG = 1  # linux/prctl.h
OOM_SCORE = "500"  # of 1000: where memory runs out, the kernel ends an engine host before the daemon (proc(5))


class RequestError(Exception):
    """A request that cannot be done; its text is the answer."""


class ConnectionOver(Exception):
    """The other side is gone, or what it sends cannot be told apart any more."""


class Answer(NamedTuple):
    """What goes back: the header, without its id, and the output tensors' bytes."""

    header: dict[str, Any]
    tensors: list[bytes]


class Runtime:
    """The TFLite runtime that this interpreter has."""

    def __init__(self, name: str, version: str, interpreter: Callable[..., Any]) -> None:
        """`interpreter` is the runtime's Interpreter class."""
        self.name = name
        self.version = version
        self.interpreter = interpreter


class Model:
    """A model that stays in memory, with the specification of its tensors."""

    def __init__(self, runtime: Runtime, path: str, threads: int) -> None:
        """Raises RequestError when the runtime does not take the model."""
        try:
            self.interpreter = runtime.interpreter(model_path=path, num_threads=threads)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as problem:
            raise RequestError(f"the model cannot be loaded: {str(problem)[:500]}") from problem
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def invoke(self, payload: bytearray) -> list[bytes]:
        """Run the model on the input tensors in `payload`; the output tensors' bytes."""
        needed = sum(_byte_count(details) for details in self.inputs)
        if len(payload) != needed:
            raise RequestError(f"the input tensors have {len(payload)} bytes; the model takes {needed}")
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
    """Answers requests on one connection until it ends."""

    def __init__(self, connection: socket.socket, runtime: Runtime, device: str) -> None:
        """`device` is what the hello names."""
        self._connection = connection
        self._runtime = runtime
        self._device = device
        self._models: list[Model] = []
        self._operations: dict[str, Callable[[dict[str, Any], bytearray], Answer]] = {
            "ping": self._ping,
            "load": self._load,
            "invoke": self._invoke,
        }

    def serve(self) -> None:
        """Say hello, then answer; returns when the other side is gone."""
        try:
            hello = {
                "protocol": PROTOCOL_VERSION,
                "runtime": self._runtime.name,
                "runtime_version": self._runtime.version,
                "device": self._device,
                "python": ".".join(str(part) for part in sys.version_info[:3]),
            }
            self._send(Answer(hello, []))
            while True:
                self._answer_one()
        except ConnectionOver:
            return

    def _answer_one(self) -> None:
        header_length, payload_length = FRAME.unpack(self._receive(FRAME.size))
        if header_length > LARGEST_HEADER:
            raise ConnectionOver
        try:
            header = json.loads(self._receive(header_length).decode("utf-8"))
        except ValueError as problem:
            raise ConnectionOver from problem
        request = header if isinstance(header, dict) else {}
        try:
            if payload_length > LARGEST_PAYLOAD:
                self._drain(payload_length)
                raise RequestError(f"{payload_length} bytes are more than a request may have ({LARGEST_PAYLOAD})")
            payload = self._receive(payload_length)
            operation = self._operations.get(str(request.get("op")))
            if operation is None:
                raise RequestError(f"unknown operation {request.get('op')!r}")
            answer = operation(request, payload)
        except RequestError as problem:
            answer = Answer({"ok": False, "error": str(problem)}, [])
        answer.header["id"] = request.get("id")
        self._send(answer)

    def _ping(self, _request: dict[str, Any], _payload: bytearray) -> Answer:
        return Answer({"ok": True}, [])

    def _load(self, request: dict[str, Any], _payload: bytearray) -> Answer:
        path, threads = request.get("path"), request.get("threads", 1)
        if not isinstance(path, str) or not isinstance(threads, int):
            raise RequestError("load needs a path and a number of threads")
        if len(self._models) >= MODEL_LIMIT:
            raise RequestError(f"{MODEL_LIMIT} models are loaded already")
        model = Model(self._runtime, path, threads)
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

    def _send(self, answer: Answer) -> None:
        header = json.dumps(answer.header).encode("utf-8")
        lengths = FRAME.pack(len(header), sum(len(tensor) for tensor in answer.tensors))
        try:
            self._connection.sendall(b"".join([lengths, header, *answer.tensors]))
        except OSError as problem:
            raise ConnectionOver from problem

    def _receive(self, length: int) -> bytearray:
        content = bytearray(length)
        view, got = memoryview(content), 0
        while got < length:
            count = self._receive_into(view[got:])
            got += count
        return content

    def _drain(self, length: int) -> None:
        chunk = memoryview(bytearray(DRAIN_CHUNK))
        while length > 0:
            length -= self._receive_into(chunk[: min(length, DRAIN_CHUNK)])

    def _receive_into(self, view: memoryview) -> int:
        try:
            count = self._connection.recv_into(view)
        except OSError as problem:
            raise ConnectionOver from problem
        if count == 0:
            raise ConnectionOver
        return count


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
    """The newest TFLite runtime that this interpreter has, or None."""
    try:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        return Runtime("ai_edge_litert", str(ai_edge_litert.__version__), Interpreter)
    except ImportError:
        pass
    try:
        import tflite_runtime
        from tflite_runtime.interpreter import Interpreter as OlderInterpreter

        return Runtime("tflite_runtime", str(tflite_runtime.__version__), OlderInterpreter)
    except ImportError:
        return None


def move_standard_output_to_stderr() -> None:
    """Native code prints on fd 1; nobody must take that for an answer."""
    sys.stdout.flush()
    os.dup2(2, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent's thread ends; end at once when that has happened already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Serve one connection, given as an open file descriptor; the exit status."""
    parser = argparse.ArgumentParser(description="Leapfrog's engine host; the daemon starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the connection's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the process whose end is this one's end")
    parser.add_argument("--device", choices=["cpu"], default="cpu", help="what runs the models")
    options = parser.parse_args(arguments)
    move_standard_output_to_stderr()
    die_with_parent(options.parent)
    Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    # The daemon ends its children itself, once they have finished what they have in hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICE_STEP)
    runtime = find_runtime()
    if runtime is None:
        sys.stderr.write(f"{sys.executable} has neither ai_edge_litert nor tflite_runtime\n")
        return 1
    with socket.socket(fileno=options.fd) as connection:
        Host(connection, runtime, options.device).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
