"""The paper's table of reduced runs of all four packages. Skipped without TensorFlow."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from support.tiny_networks import make_film_networks_tiny, make_head_networks_tiny, make_nerve_networks_tiny

from typer.testing import CliRunner

from leapfrog_training.chest.task import CHEST
from leapfrog_training.cli import app
from leapfrog_training.run.folder import PackageName
from leapfrog_training.tasks import TASKS
from support.made_up_films import listed_adults, listed_children, listed_normals

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

MAKE_TINY: dict[PackageName, Callable[[pytest.MonkeyPatch], object]] = {
    PackageName.CHEST_FINDINGS: make_film_networks_tiny,
    PackageName.CHEST_CHILD: make_film_networks_tiny,
    PackageName.FETAL_HEAD: make_head_networks_tiny,
    PackageName.NERVE: make_nerve_networks_tiny,
}


@pytest.fixture
def data_of(
    made_up_chest: Any, made_up_normals: Any, made_up_children: Any, made_up_heads: Any, made_up_nerves: Any
) -> dict[PackageName, list[Path]]:
    """The folders of made-up pictures by package."""
    films, views = listed_adults(training=84, test=48)
    heads = [f"{subject:03}_HC.png" for subject in range(20)]
    return {
        PackageName.CHEST_FINDINGS: [
            made_up_chest.write(films, views=views),
            made_up_normals.write(listed_normals(36)),
        ],
        PackageName.CHEST_CHILD: [made_up_children.write(listed_children(24))],
        PackageName.FETAL_HEAD: [made_up_heads.write(heads, validation=["016", "017", "018", "019"])],
        PackageName.NERVE: [made_up_nerves.write(patients=6, each=4)],
    }


def done(*command: str) -> str:
    """What the command printed."""
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.timeout(1800)
def test_one_command_compares_four_packages_with_each_other_and_with_the_paper(
    data_of: dict[PackageName, list[Path]], shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, PackageName.CHEST_FINDINGS, replace(CHEST, without=()))  # to save time
    imagenet = str(shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    for package, folders in data_of.items():
        data, run = [word for folder in folders for word in ("--data", str(folder))], str(tmp_path / package)
        with pytest.MonkeyPatch.context() as patch:
            MAKE_TINY[package](patch)
            done("train", package, *data, "--out", run, "--imagenet", imagenet, "--seeds", "1", "--folds", "2")
            done("evaluate", run, *data)
    out, bench = tmp_path / "table", tmp_path / "bench.json"
    bench.write_text(json.dumps({"edge_tpu_ms": {"nerve": 4.5}}))
    runs = [str(tmp_path / package) for package in data_of]
    told = done("table", *runs, "--no-baselines", "--out", str(out), "--bench", str(bench))
    rows = {row["model"]: row for row in json.loads((out / "table.json").read_text())["rows"]}
    assert list(rows) == list(PackageName) and all(package in told for package in PackageName)
    assert [row["paper_ratio"] for row in rows.values()] == [3, 3, 12, 12]
    for package, row in rows.items():
        files = [tmp_path / package / "seed-0" / name for name in ("float.tflite", "int8.tflite")]
        assert [row["float_bytes"], row["int8_bytes"]] == [file.stat().st_size for file in files]
        assert row["ratio"] == pytest.approx(row["float_bytes"] / row["int8_bytes"], abs=0.01) and row["ratio"] > 1
        assert 0 <= row["int8_score"] <= 1 and 0 <= row["float_score"] <= 1
        assert row["float_cpu_ms"] > 0 and row["int8_cpu_ms"] > 0
        assert row["edge_tpu_measured"] is (package == "nerve")
    assert rows["nerve"]["edge_tpu_ms"] == 4.5
    lines = (out / "table.md").read_text().splitlines()
    assert sum(line.startswith("|") for line in lines) == 2 + len(rows)
    assert "| ratio | paper's ratio |" in lines[0]
    assert (out / "table.png").read_bytes().startswith(b"\x89PNG")
