"""The engine host as a separate program, used as a reader uses it."""

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from leapfrog.engine import host as engine_host
from leapfrog.engine.client import EngineClient
from leapfrog.engine.host import FRAME, LARGEST_HEADER, LARGEST_PAYLOAD
from leapfrog.errors import EngineError, EngineRefused
from support.interpreters import INTERPRETERS, interpreter
from support.tiny_models import classifier_content, write_classifier

HOST_FILE = Path(engine_host.__file__)
ENDS_WITHIN_SECONDS = 10.0


@dataclass
class RunningHost:
    process: subprocess.Popen[bytes]
    connection: socket.socket
    client: EngineClient


def start_host(python: str, *models: Path, parent: int | None = None) -> RunningHost:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [python, "-I", str(HOST_FILE), "--fd", str(theirs.fileno()), "--parent", str(parent or os.getpid())]
        command += [argument for folder in models for argument in ("--read", str(folder))]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE)
    ours.settimeout(30)
    return RunningHost(process, ours, EngineClient(ours))


@pytest.fixture(params=INTERPRETERS)
def host(request: pytest.FixtureRequest, tmp_path: Path, shared_data: Path) -> Iterator[RunningHost]:
    running = start_host(interpreter(request.param), tmp_path, shared_data / "coral")
    yield running
    running.client.close()
    running.process.kill()
    running.process.wait()
    if running.process.stderr:
        running.process.stderr.close()


def bright_picture() -> np.ndarray:
    return np.full((1, 28, 28, 1), 100, np.int8)


def test_it_is_one_file_that_python_3_7_understands() -> None:
    tree = ast.parse(HOST_FILE.read_text(), feature_version=(3, 7))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = imported - set(sys.stdlib_module_names)
    assert foreign == {"numpy", "ai_edge_litert", "tflite_runtime"}


def test_it_introduces_itself_and_answers_pings(host: RunningHost) -> None:
    hello = host.client.hello()
    assert hello.protocol == 1
    assert hello.device == "cpu"
    assert hello.runtime in ("ai_edge_litert", "tflite_runtime")
    assert hello.runtime_version[0].isdigit()
    host.client.ping()


def test_it_loads_a_model_and_runs_it(host: RunningHost, tmp_path: Path) -> None:
    model = host.client.load(write_classifier(tmp_path) / "model.tflite")
    assert [spec.shape for spec in model.inputs] == [(1, 28, 28, 1)]
    assert [spec.shape for spec in model.outputs] == [(1, 2), (1, 7, 7, 2)]
    assert model.inputs[0].scale == pytest.approx(1 / 127.5)
    scores, heat = host.client.invoke(model, [bright_picture()])
    assert scores[0, 0] > 100
    assert scores[0, 1] < -100
    assert heat.shape == (1, 7, 7, 2)


def test_models_stay_resident_beside_each_other(host: RunningHost, tmp_path: Path, shared_data: Path) -> None:
    first = host.client.load(write_classifier(tmp_path) / "model.tflite")
    second = host.client.load(shared_data / "coral" / "mobilenet_v1_0.25_128_quant.tflite")
    before, _ = host.client.invoke(first, [bright_picture()])
    labels = host.client.invoke(second, [np.zeros((1, 128, 128, 3), np.uint8)])[0]
    after, _ = host.client.invoke(first, [bright_picture()])
    assert labels.shape == (1, 1001)
    assert np.array_equal(before, after)


def test_what_cannot_be_done_is_answered_and_the_next_request_works(host: RunningHost, tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "broken.tflite").write_bytes(b"not a model at all")
    model = host.client.load(folder / "model.tflite")
    with pytest.raises(EngineRefused, match="cannot be loaded"):
        host.client.load(folder / "missing.tflite")
    with pytest.raises(EngineRefused, match="cannot be loaded"):
        host.client.load(folder / "broken.tflite")
    with pytest.raises(EngineRefused, match="783 bytes; the model needs 784"):
        host.client.invoke(model, [np.zeros(783, np.int8)])
    with pytest.raises(EngineRefused, match="more than the engine host accepts"):
        host.client.invoke(model, [np.zeros(LARGEST_PAYLOAD + 1, np.int8)])
    assert host.client.invoke(model, [bright_picture()])[0][0, 0] > 100


def test_a_model_with_an_operation_that_the_runtime_lacks_is_refused(host: RunningHost, shared_data: Path) -> None:
    with pytest.raises(EngineRefused, match="cannot be loaded: Encountered unresolved custom op"):
        host.client.load(shared_data / "coral" / "model_invoking_error.tflite")
    host.client.ping()


def test_a_frame_over_the_cap_is_drained_and_refused(host: RunningHost) -> None:
    host.client.hello()
    header = json.dumps({"id": 7, "op": "invoke", "model": 0}).encode()
    length = LARGEST_PAYLOAD + 1
    host.connection.sendall(FRAME.pack(len(header), length) + header + bytes(length))
    answer_length, payload_length = FRAME.unpack(host.connection.recv(FRAME.size, socket.MSG_WAITALL))
    answer = json.loads(host.connection.recv(answer_length, socket.MSG_WAITALL))
    assert payload_length == 0
    assert answer == {
        "ok": False,
        "id": 7,
        "error": f"{length} bytes are more than a request may contain ({length - 1})",
    }


@pytest.mark.parametrize("nonsense", [FRAME.pack(LARGEST_HEADER + 1, 0), FRAME.pack(5, 0) + b"{not}", b"\xff" * 64])
def test_a_stream_that_makes_no_sense_ends_the_host(nonsense: bytes) -> None:
    running = start_host(sys.executable)
    running.client.hello()
    running.connection.sendall(nonsense)
    running.connection.shutdown(socket.SHUT_WR)
    assert running.process.wait(ENDS_WITHIN_SECONDS) == 0
    running.client.close()


def test_it_ends_when_the_connection_does() -> None:
    running = start_host(sys.executable)
    running.client.hello()
    running.client.close()
    assert running.process.wait(ENDS_WITHIN_SECONDS) == 0


def test_it_ends_at_once_when_its_parent_is_another_process() -> None:
    running = start_host(sys.executable, parent=1)
    assert running.process.wait(ENDS_WITHIN_SECONDS) == 1
    running.client.close()


def test_what_native_code_prints_on_standard_output_is_no_answer(tmp_path: Path) -> None:
    noisy = tmp_path / "python"
    noisy.write_text(f'#!/bin/sh\necho "starting the engine..."\nexec {sys.executable} "$@"\n')
    noisy.chmod(0o755)
    running = start_host(str(noisy))
    assert running.client.hello().protocol == 1
    assert Path(f"/proc/{running.process.pid}/fd/1").readlink() == Path(f"/proc/{running.process.pid}/fd/2").readlink()
    running.client.close()
    running.process.wait(ENDS_WITHIN_SECONDS)


def test_an_interpreter_without_a_runtime_says_so() -> None:
    ours, theirs = socket.socketpair()
    hidden = "import sys; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None"
    program = f"{hidden}; import runpy; sys.argv[0] = ''; runpy.run_path({str(HOST_FILE)!r}, run_name='__main__')"
    with ours, theirs:
        arguments = ["--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], pass_fds=[theirs.fileno()], capture_output=True, check=False
        )
    assert done.returncode == 1
    assert b"has neither ai_edge_litert nor tflite_runtime" in done.stderr


def answer_as_host(connection: socket.socket, *frames: bytes) -> None:
    for frame in frames:
        connection.sendall(frame)


def frame(header: object, payload: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return FRAME.pack(len(encoded), len(payload)) + encoded + payload


HELLO = {"protocol": 1, "runtime": "r", "runtime_version": "1", "device": "cpu", "python": "3"}


@pytest.mark.parametrize(
    "answers",
    [
        [b"Segmentation fault\n" * 10],
        [frame({**HELLO, "protocol": 2})],
        [frame({"hello": "there"})],
        [frame(HELLO), frame({"id": 99, "ok": True})],
        [frame(HELLO), frame([1, 2, 3])],
        [frame(HELLO), FRAME.pack(10, LARGEST_PAYLOAD + 1)],
        [frame(HELLO)],
    ],
    ids=["garbage", "other version", "no hello", "wrong id", "no object", "over the cap", "end of file"],
)
def test_a_host_that_answers_nonsense_is_an_engine_error(answers: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        answer_as_host(theirs, *answers)
        theirs.shutdown(socket.SHUT_WR)
        client = EngineClient(ours)
        with pytest.raises(EngineError) as raised:
            client.ping()
        assert not isinstance(raised.value, EngineRefused)
        client.close()


def test_outputs_of_the_wrong_size_are_an_engine_error(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    tensor = {"shape": [1, 2], "dtype": "int8", "scale": 0.5, "zero_point": 0}
    with theirs:
        loaded = {"id": 1, "ok": True, "model": 0, "inputs": [tensor], "outputs": [tensor]}
        answer_as_host(theirs, frame(HELLO), frame(loaded), frame({"id": 2, "ok": True}, b"123"))
        client = EngineClient(ours)
        model = client.load(tmp_path / "any")
        with pytest.raises(EngineError, match="an invalid answer"):
            client.invoke(model, [np.zeros((1, 2), np.int8)])
        client.close()


def test_a_host_that_is_killed_in_the_middle_is_an_engine_error(tmp_path: Path) -> None:
    model_file = tmp_path / "model.tflite"
    model_file.write_bytes(classifier_content())
    running = start_host(sys.executable, tmp_path)
    model = running.client.load(model_file)
    running.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    running.process.kill()
    with pytest.raises(EngineError, match="ended without answering"):
        running.client.invoke(model, [bright_picture()])
    assert time.monotonic() - began < ENDS_WITHIN_SECONDS
    running.process.wait()
    running.client.close()
