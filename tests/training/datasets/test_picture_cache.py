"""Pictures at a model's size: made once, whole after a kill, never mixed up."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_model
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.datasets import picture_cache
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.errors import DatasetError

TESTS = Path(__file__).parents[2]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(0)
    made = [tmp_path / f"{number}.png" for number in range(18)]
    for path in made:
        Image.fromarray(random.integers(0, 256, (40, 50), dtype=np.uint8)).save(path)
    return made


def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([model_input(read_gray(path), 16, 24) for path in paths])[..., np.newaxis]


def make(cache: Path, paths: list[Path], die_after: int) -> "subprocess.CompletedProcess[str]":
    search = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "support.caching_process", str(cache), str(die_after), *map(str, paths)]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": search}, capture_output=True, text=True, check=False, timeout=60
    )


def test_pictures_are_what_the_kiosk_shows_to_a_model_and_stay_in_their_file(tmp_path: Path, paths: list[Path]) -> None:
    pictures = cached_pictures(paths, 16, 24, tmp_path / "cache")
    assert isinstance(pictures, np.memmap)
    assert np.array_equal(pictures, expected(paths))


def test_the_exposed_field_has_a_cache_of_its_own(tmp_path: Path, paths: list[Path]) -> None:
    """A border must not come into a training that was promised pictures without one, nor the other way round."""
    cache = tmp_path / "cache"
    bordered = np.pad(np.asarray(Image.open(paths[0])), 10, constant_values=255)
    Image.fromarray(bordered).save(paths[0])
    taken = ModelInput(height=16, width=24, field="exposed")
    cut = cached_pictures(paths, 16, 24, cache, "exposed")
    assert np.array_equal(cut, np.stack([shown_to_model(taken, read_gray(path)) for path in paths])[..., np.newaxis])
    assert cut[0, 0, :].max() < 255
    whole = cached_pictures(paths, 16, 24, cache)
    assert np.array_equal(whole, expected(paths))
    assert whole[0, 0, :].min() == 255


def test_what_is_there_is_not_made_again(tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    cached_pictures(paths, 16, 24, tmp_path / "cache")
    monkeypatch.setattr(picture_cache, "read_gray", lambda path: pytest.fail(f"{path} was read again"))
    assert len(cached_pictures(paths, 16, 24, tmp_path / "cache")) == 18


@pytest.mark.parametrize("die_after", [1, 2, 5])
def test_a_making_that_was_killed_goes_on_with_what_is_missing(
    tmp_path: Path, paths: list[Path], die_after: int
) -> None:
    cache = tmp_path / "cache"
    assert make(cache, paths, die_after).returncode == -signal.SIGKILL
    assert not list(cache.glob("*.npy"))
    finished = make(cache, paths, 0)
    assert finished.stdout.split() == ["chunks", str(5 - (die_after - 1))]
    assert np.array_equal(cached_pictures(paths, 16, 24, cache), expected(paths))


def test_another_size_another_list_and_a_changed_file_make_another_cache(tmp_path: Path, paths: list[Path]) -> None:
    cache = tmp_path / "cache"
    cached_pictures(paths, 16, 24, cache)
    assert cached_pictures(paths, 16, 16, cache).shape == (18, 16, 16, 1)
    assert np.array_equal(cached_pictures(paths[::-1], 16, 24, cache), expected(paths[::-1]))
    Image.fromarray(np.full((40, 50), 9, np.uint8)).save(paths[0])
    assert (cached_pictures(paths, 16, 24, cache)[0] == 9).all()


def test_many_pictures_are_made_by_several_processes_in_their_order(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_cache, "FEWEST_FOR_PROCESSES", 1)
    monkeypatch.setattr(picture_cache, "CHUNK", 2)
    assert np.array_equal(cached_pictures(paths, 16, 24, tmp_path / "cache"), expected(paths))


def test_a_disk_that_is_too_small_is_reported_before_it_is_full(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=18 * 16 * 24 - 1))
    with pytest.raises(DatasetError, match="make room, or give an --out on another disk"):
        cached_pictures(paths, 16, 24, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("pictures-*"))


def test_two_commands_at_once_make_the_pictures_once(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, read = threading.Event(), []

    def slow(path: Path) -> np.ndarray:
        begun.set()
        read.append(path)
        time.sleep(0.01)
        return read_gray(path)

    monkeypatch.setattr(picture_cache, "read_gray", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cached_pictures, paths, 16, 24, tmp_path / "cache")
        assert begun.wait(10)
        second = pool.submit(cached_pictures, paths, 16, 24, tmp_path / "cache")
        assert np.array_equal(first.result(), second.result())
    assert len(read) == len(paths)
