"""The reader's side of the engine host's protocol; `host.py` describes it."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from leapfrog.engine import host
from leapfrog.engine.tensors import TensorSpec
from leapfrog.errors import EngineError, EngineRefused, EngineUntrusted
from leapfrog.exam import Device, Frozen

LOST = "The engine host ended without answering."
GARBLED = "The engine host sent an invalid answer."


class Hello(Frozen):
    """The message with which an engine host introduces itself."""

    protocol: int
    runtime: str
    runtime_version: str
    device: Device
    python: str


@dataclass(frozen=True)
class LoadedModel:
    """A model that the host has loaded, with the specifications of its tensors in the model's order."""

    handle: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class EngineClient:
    """Talks to one engine host. EngineRefused is a valid answer; after any other EngineError the host is unusable."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection` blocks, without a timeout: the lane watches the deadline and kills a host that hangs."""
        self._connection = connection
        self._last_id = 0
        self._hello: Hello | None = None

    def fileno(self) -> int:
        """The connection's descriptor, for select."""
        return self._connection.fileno()

    @property
    def introduced(self) -> bool:
        """Whether the host's hello has been received."""
        return self._hello is not None

    def close(self) -> None:
        """Close the connection; the host ends with it."""
        self._connection.close()

    def hello(self) -> Hello:
        """The host's hello. The first call waits for it."""
        if self._hello is None:
            header, _ = self._receive_frame()
            try:
                self._hello = Hello.model_validate(header)
            except ValidationError as problem:
                raise EngineUntrusted(GARBLED) from problem
            if self._hello.protocol != host.PROTOCOL_VERSION:
                raise EngineError(
                    f"The engine host uses protocol {self._hello.protocol}, but the reader uses "
                    f"{host.PROTOCOL_VERSION}: install both from the same version of Leapfrog."
                )
        return self._hello

    def ping(self) -> None:
        """Return when the host has answered."""
        self._request({"op": "ping"})

    def load(self, path: Path, threads: int = 1, *, on_edge_tpu: bool = False) -> LoadedModel:
        """Have the host load a model and keep it: a compiled model for its Edge TPU if `on_edge_tpu`.

        Raises EngineRefused when the runtime cannot load the model, or the host has no Edge TPU.
        """
        request = {"op": "load", "path": str(path), "threads": threads, "on_edge_tpu": on_edge_tpu}
        answer, _ = self._request(request)
        try:
            return LoadedModel(int(answer["model"]), _specs(answer["inputs"]), _specs(answer["outputs"]))
        except (KeyError, TypeError, ValueError) as problem:
            raise EngineUntrusted(GARBLED) from problem

    def invoke(self, model: LoadedModel, tensors: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run `model` on its input tensors. Returns its output tensors in the model's order, not yet dequantized."""
        payload = b"".join(np.ascontiguousarray(tensor).tobytes() for tensor in tensors)
        _, content = self._request({"op": "invoke", "model": model.handle}, payload)
        if len(content) != sum(spec.byte_count for spec in model.outputs):
            raise EngineUntrusted(GARBLED)
        outputs, start = [], 0
        for spec in model.outputs:
            end = start + spec.byte_count
            outputs.append(np.frombuffer(content[start:end], spec.dtype).reshape(spec.shape))
            start = end
        return outputs

    def _request(self, header: dict[str, object], payload: bytes = b"") -> tuple[dict[str, Any], bytearray]:
        if len(payload) > host.LARGEST_PAYLOAD:
            raise EngineRefused(f"{len(payload)} bytes are more than the engine host accepts ({host.LARGEST_PAYLOAD}).")
        self.hello()
        self._last_id += 1
        try:
            host.send(self._connection, {**header, "id": self._last_id}, [payload])
        except host.ConnectionOver as problem:
            raise EngineError(LOST) from problem
        answer, content = self._receive_frame()
        if answer.get("id") != self._last_id:
            raise EngineUntrusted(GARBLED)
        if answer.get("ok") is not True:
            raise EngineRefused(f"The engine host answered: {str(answer.get('error'))[:500]}")
        return answer, content

    def _receive_frame(self) -> tuple[dict[str, Any], bytearray]:
        header_length, payload_length = host.FRAME.unpack(self._receive(host.FRAME.size))
        if header_length > host.LARGEST_HEADER or payload_length > host.LARGEST_PAYLOAD:
            raise EngineUntrusted(GARBLED)
        try:
            header = json.loads(self._receive(header_length))
        except ValueError as problem:
            raise EngineUntrusted(GARBLED) from problem
        if not isinstance(header, dict):
            raise EngineUntrusted(GARBLED)
        return header, self._receive(payload_length)

    def _receive(self, length: int) -> bytearray:
        try:
            return host.receive(self._connection, length)
        except host.ConnectionOver as problem:
            raise EngineError(LOST) from problem


def _specs(described: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            shape=tuple(int(length) for length in tensor["shape"]),
            dtype=np.dtype(tensor["dtype"]).name,
            scale=float(tensor["scale"]),
            zero_point=int(tensor["zero_point"]),
        )
        for tensor in described
    )
