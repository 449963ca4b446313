"""The engine host with an Edge TPU, for which a double of libedgetpu stands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from leapfrog.engine.client import EngineClient, LoadedModel
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import EngineError, EngineRefused
from leapfrog.packages.package import SHIPPED_PACKAGES
from support.edge_tpu import EdgeTpuDouble, compiled
from support.interpreters import INTERPRETERS, NEWEST, OLDEST, interpreter
from support.tiny_models import classifier_content

PICTURE = np.full((1, 28, 28, 1), 100, np.int8)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    plain, for_edge_tpu = tmp_path / "model.tflite", tmp_path / "model_edgetpu.tflite"
    plain.write_bytes(classifier_content())
    for_edge_tpu.write_bytes(compiled(classifier_content()))
    return plain, for_edge_tpu


@contextmanager
def host(edge_tpu: EdgeTpuDouble, models: Sequence[Path], python: str = "this") -> Iterator[EngineClient]:
    options = ["--edge-tpu", "usb:0", "--library", str(edge_tpu.library)]
    with StandaloneEngine(models, interpreter(python), options) as engine:
        yield engine.client


def loaded(client: EngineClient, path: Path) -> LoadedModel:
    return client.load(path, on_edge_tpu=True)


@pytest.mark.parametrize("python", INTERPRETERS)
def test_a_compiled_model_answers_as_the_plain_one_does(
    edge_tpu: EdgeTpuDouble, files: tuple[Path, Path], python: str
) -> None:
    plain, for_edge_tpu = files
    with host(edge_tpu, [files[0].parent], python) as client:
        assert client.hello().device == "edgetpu"
        on_device, on_processor = loaded(client, for_edge_tpu), client.load(plain)
        answers = [client.invoke(model, [PICTURE]) for model in (on_device, on_processor)]
    assert all(np.array_equal(one, other) for one, other in zip(*answers, strict=True))
    assert edge_tpu.calls == 1


@pytest.mark.parametrize("package", sorted(path.name for path in SHIPPED_PACKAGES.iterdir()))
def test_the_double_gives_the_shipped_models_answers(edge_tpu: EdgeTpuDouble, tmp_path: Path, package: str) -> None:
    model = SHIPPED_PACKAGES / package / "model.tflite"
    (tmp_path / "model_edgetpu.tflite").write_bytes(compiled(model.read_bytes()))
    with host(edge_tpu, [model.parent, tmp_path]) as client:
        on_device, on_processor = loaded(client, tmp_path / "model_edgetpu.tflite"), client.load(model)
        noise = np.random.default_rng(0).integers(-128, 128, on_device.inputs[0].shape).astype(np.int8)
        answers = [client.invoke(one, [noise]) for one in (on_device, on_processor)]
    assert all(np.array_equal(one, other) for one, other in zip(*answers, strict=True))


def test_both_models_stay_on_the_device(edge_tpu: EdgeTpuDouble, files: tuple[Path, Path]) -> None:
    _, for_edge_tpu = files
    with host(edge_tpu, [files[0].parent]) as client:
        first, second = loaded(client, for_edge_tpu), loaded(client, for_edge_tpu)
        for model in (first, second, first):
            client.invoke(model, [PICTURE])
    assert edge_tpu.calls == 3


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [("refuse", "Failed to load delegate"), ("too-new", "requires runtime version"), ("fail", "Could not map pages")],
)
def test_what_the_library_refuses_is_reported_and_the_host_lives_on(
    edge_tpu: EdgeTpuDouble, files: tuple[Path, Path], behaviour: str, said: str
) -> None:
    edge_tpu.next(behaviour)
    with host(edge_tpu, [files[0].parent]) as client:
        with pytest.raises(EngineRefused, match=said):
            client.invoke(loaded(client, files[1]), [PICTURE])
        client.invoke(loaded(client, files[1]), [PICTURE])


@pytest.mark.parametrize("python", ["this", NEWEST, OLDEST])
@pytest.mark.parametrize("behaviour", ["abort", "segfault", "exit", "segfault-at-construction"])
def test_what_ends_the_host_ends_nothing_else(
    edge_tpu: EdgeTpuDouble, files: tuple[Path, Path], behaviour: str, python: str
) -> None:
    edge_tpu.next(behaviour)
    with host(edge_tpu, [files[0].parent], python) as client, pytest.raises(EngineError) as ended:
        client.invoke(loaded(client, files[1]), [PICTURE])
    assert not isinstance(ended.value, EngineRefused)


def test_a_device_that_is_not_there_is_refused(edge_tpu: EdgeTpuDouble, files: tuple[Path, Path]) -> None:
    edge_tpu.plug_in()
    with host(edge_tpu, [files[0].parent]) as client, pytest.raises(EngineRefused, match="Failed to load delegate"):
        loaded(client, files[1])


def test_a_host_without_a_device_says_so(files: tuple[Path, Path]) -> None:
    with StandaloneEngine([files[0].parent]) as engine, pytest.raises(EngineRefused, match="has no Edge TPU"):
        loaded(engine.client, files[1])
