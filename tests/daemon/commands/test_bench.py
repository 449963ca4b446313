"""`leapfrog bench`: the times of each engine as tables, JSON and a picture."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from leapfrog.commands.bench import command, measure
from leapfrog.commands.bench.command import run_bench
from leapfrog.commands.bench.measure import CPU_FLOAT, CPU_INT8
from leapfrog.errors import StorageError, UsageError
from leapfrog.packages.package import FLOAT_MODEL_NAME
from leapfrog.settings import Settings
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.tiny_models import float_classifier_content, write_classifier

TINY = "tiny-chest 1.2.3"
EDGE_TPU = "Edge TPU usb:0"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A box whose package has all three forms; few runs, since the tests only check that results exist."""
    monkeypatch.setattr(measure, "RUNS", 8)
    monkeypatch.setattr(measure, "WHOLE_IMAGES", 2)
    package = compile_package(write_classifier(tmp_path / "packages"))
    add_float_model(package)
    (tmp_path / "state").mkdir()
    return Settings.model_validate({"station": {"state_dir": tmp_path / "state"}, "models": {"paths": [package]}})


def add_float_model(package: Path) -> None:
    content = float_classifier_content()
    (package / FLOAT_MODEL_NAME).write_bytes(content)
    manifest = (package / "model.toml").read_text(encoding="utf-8")
    listed = f'[files]\n"{FLOAT_MODEL_NAME}" = "{hashlib.sha256(content).hexdigest()}"'
    (package / "model.toml").write_text(manifest.replace("[files]", listed), encoding="utf-8")


def bench(settings: Settings, out: Path | None = None) -> tuple[dict[str, Any], str]:
    """The results, and what the command prints."""
    printed = io.StringIO()
    return run_bench(settings, out, Console(file=printed, width=140)), printed.getvalue()


def test_every_model_is_timed_on_every_engine_that_it_has_a_file_for(
    settings: Settings, edge_tpu: EdgeTpuDouble, tmp_path: Path
) -> None:
    results, printed = bench(settings, tmp_path / "out")
    timed = {(one["package"], one["engine"]): one for one in results["models"]}
    assert {engine for package, engine in timed if package == TINY} == {CPU_FLOAT, CPU_INT8, EDGE_TPU}
    shipped = {package for package, _ in timed} - {TINY}
    assert {engine for package, engine in timed if package in shipped} == {CPU_INT8}
    for one in timed.values():
        assert one["load_ms"] > 0
        assert 0 < one["median_ms"] <= one["percentile_95_ms"]
        assert one["per_second"] == pytest.approx(1000 / one["median_ms"], abs=0.06)
    ratio = timed[TINY, CPU_FLOAT]["median_ms"] / timed[TINY, EDGE_TPU]["median_ms"]
    assert results["ratios"][TINY][f"{EDGE_TPU} against {CPU_FLOAT}"] == pytest.approx(ratio, abs=0.01)
    assert results["edge_tpu_ms"] == {"tiny-chest": timed[TINY, EDGE_TPU]["median_ms"]}
    assert {one["engine"] for one in results["switches"]} == {CPU_INT8}  # one model cannot take turns with itself
    exams = {(one["exam"], one["engine"]) for one in results["box"]}
    assert exams == {("chest film", CPU_INT8), ("fetal head", CPU_INT8), ("chest film", "Edge TPU")}
    assert "Leaving out fetal head on the Edge TPU" in printed  # the model that ships is not compiled
    assert results["machine"].split(" x ")[0].isdigit()
    assert json.loads((tmp_path / "out" / "bench.json").read_text()) == results
    with Image.open(tmp_path / "out" / "bench.png") as picture:
        assert picture.width == 1200
        assert picture.height > 400
    assert all(word in printed for word in (TINY, EDGE_TPU, "Whole images", results["machine"]))


def test_a_device_that_fails_its_proof_is_named_and_left_out(settings: Settings, edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.always("wrong")
    results, printed = bench(settings)
    assert {one["engine"] for one in results["models"]} == {CPU_FLOAT, CPU_INT8}
    assert results["edge_tpu_ms"] == {}
    assert "Leaving out Edge TPU usb:0" in printed
    assert "another cable" in printed


def test_only_the_processor_is_measured_if_the_settings_say_so(settings: Settings, edge_tpu: EdgeTpuDouble) -> None:
    engine = settings.engine.model_copy(update={"device": "cpu", "threads": 2})
    results, _ = bench(settings.model_copy(update={"engine": engine}))
    assert {one["engine"] for one in results["models"]} == {CPU_FLOAT, CPU_INT8}
    assert {one["threads"] for one in results["models"]} == {2}
    assert edge_tpu.calls == 0


def test_it_refuses_to_measure_beside_a_running_daemon(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "daemon_status", lambda _: {"listening": False})  # a daemon that is just starting
    with pytest.raises(UsageError, match="Stop the daemon first"):
        run_bench(settings, None, None)


def test_a_folder_that_cannot_be_created_is_an_error(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    engine = settings.engine.model_copy(update={"device": "cpu"})
    with pytest.raises(StorageError, match="cannot be written"):
        run_bench(settings.model_copy(update={"engine": engine}), tmp_path / "file" / "out", None)
