"""The number of processor threads: measured once, stored, and measured again when the machine or models change."""

import json
import sys
import threading
from pathlib import Path

import pytest

from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.lanes.tuning import FILE_NAME, TRIAL_PROGRAM, EngineTuning, fewest_worthwhile
from leapfrog.processes.messages import ReaderSetup
from leapfrog.settings import EngineSettings, ModelSettings
from support.processes import the_child
from support.tiny_models import write_classifier, write_segmenter


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReaderSetup:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    write_classifier(tmp_path / "packages")
    models = ModelSettings(paths=(tmp_path / "packages",))
    return reader_setup(EngineSettings(), models, tmp_path).model_copy(
        update={"model_directories": (tmp_path / "packages",)}
    )


def tuning(setup: ReaderSetup, folder: Path, lanes: int = 1) -> EngineTuning:
    return EngineTuning(folder, sys.executable, setup, lanes)


@pytest.mark.parametrize(
    ("milliseconds", "threads"),
    [
        ({1: 10.0, 2: 9.5, 3: 9.4}, 1),
        ({1: 10.0, 2: 6.0, 3: 5.9, 4: 5.2}, 4),
        ({1: 10.0, 2: 6.0, 3: 5.9, 4: 5.6}, 2),
        ({1: 10.0, 2: 12.0}, 1),
        ({}, 1),
    ],
)
def test_a_thread_is_added_only_where_it_pays(milliseconds: dict[int, float], threads: int) -> None:
    assert fewest_worthwhile(milliseconds) == threads


def test_what_was_measured_is_kept_and_used_again(setup: ReaderSetup, tmp_path: Path) -> None:
    chosen = tuning(setup, tmp_path).threads()
    kept = json.loads((tmp_path / FILE_NAME).read_text())
    assert set(kept["milliseconds"]) == {"1", "2"}
    assert all(value > 0 for value in kept["milliseconds"].values())
    assert kept["threads"] == chosen
    (tmp_path / FILE_NAME).write_text(json.dumps({**kept, "threads": 7}))
    assert tuning(setup, tmp_path).threads() == 7


def test_other_models_and_a_damaged_file_are_measured_anew(setup: ReaderSetup, tmp_path: Path) -> None:
    tuning(setup, tmp_path).threads()
    before = json.loads((tmp_path / FILE_NAME).read_text())["fingerprint"]
    write_segmenter(tmp_path / "packages")
    tuning(setup, tmp_path).threads()
    after = json.loads((tmp_path / FILE_NAME).read_text())["fingerprint"]
    assert before != after
    (tmp_path / FILE_NAME).write_text("{")
    assert tuning(setup, tmp_path).threads() in (1, 2)
    assert json.loads((tmp_path / FILE_NAME).read_text())["fingerprint"] == after


def test_lanes_that_share_two_cores_get_one_thread_each(setup: ReaderSetup, tmp_path: Path) -> None:
    assert tuning(setup, tmp_path, lanes=2).threads() == 1
    assert not (tmp_path / FILE_NAME).exists()


def test_an_engine_that_fails_leaves_one_thread(setup: ReaderSetup, tmp_path: Path) -> None:
    assert EngineTuning(tmp_path, str(tmp_path / "no-python"), setup, 1).threads() == 1


def test_a_measurement_is_ended_when_the_daemon_stops(setup: ReaderSetup, tmp_path: Path) -> None:
    slow = tmp_path / "slow-python"
    slow.write_text("#!/bin/sh\nexec sleep 15\n")
    slow.chmod(0o755)
    one = EngineTuning(tmp_path, str(slow), setup, 1)
    found: list[int] = []
    asking = threading.Thread(target=lambda: found.append(one.threads()))
    asking.start()
    trial = the_child(TRIAL_PROGRAM)
    one.stop()
    asking.join(10)
    assert found == [1]
    assert not Path(f"/proc/{trial}").exists()
    assert not (tmp_path / FILE_NAME).exists()
    assert one.threads() == 1
