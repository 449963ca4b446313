"""The command line says in one sentence what is wrong. None of this needs TensorFlow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.cli import main
from leapfrog_training.run.folder import PackageName, RunNotes, begin_run

NOTES = RunNotes(package=PackageName.CHEST_FINDINGS, seeds=1, folds=2, findings=("Edema",), left_out=())


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["leapfrog-train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_a_folder_without_the_layout_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weights.tflite").write_bytes(b"")
    status, error = run(
        monkeypatch,
        capsys,
        *("fit", "fetal-head", "--data", str(tmp_path), "--out", str(tmp_path / "r")),
        *("--imagenet", str(tmp_path / "weights.tflite")),
    )
    assert status == 1
    assert error.startswith("leapfrog-train: ") and "validation_subjects.txt is missing" in error


@pytest.mark.parametrize("package", list(PackageName))
def test_training_without_imagenet_weights_is_wrong_use(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, error = run(monkeypatch, capsys, "fit", package, "--data", str(tmp_path), "--out", str(tmp_path / "r"))
    assert (status, "give --imagenet tf2_mobilenet" in error) == (2, True)


def test_too_few_films_are_refused(
    made_up_chest: Any,
    made_up_normals: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    films = [("1.png", "Edema", "1", "train_val_list.txt"), ("2.png", "Edema", "2", "test_list.txt")]
    (tmp_path / "weights.tflite").write_bytes(b"")
    status, error = run(
        monkeypatch,
        capsys,
        *("fit", "chest-findings", "--data", str(made_up_chest.write(films))),
        *("--data", str(made_up_normals.write([("Normal-1.png", "train")])), "--out", str(tmp_path / "r")),
        *("--imagenet", str(tmp_path / "weights.tflite")),
    )
    assert (status, "no finding has enough films" in error) == (2, True)


@pytest.mark.parametrize("given", [("chest",), ("normals",), ("chest", "chest"), ("chest", "normals", "chest")])
def test_chest_findings_needs_both_its_sources_and_says_which(
    given: tuple[str, ...],
    made_up_chest: Any,
    made_up_normals: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "weights.tflite").write_bytes(b"")
    folders = {
        "chest": made_up_chest.write([("1.png", "Edema", "1", "train_val_list.txt")]),
        "normals": made_up_normals.write([("Normal-1.png", "train")]),
    }
    options = [word for name in given for word in ("--data", str(folders[name]))]
    status, error = run(
        monkeypatch,
        capsys,
        *("fit", "chest-findings", *options, "--out", str(tmp_path / "r")),
        *("--imagenet", str(tmp_path / "weights.tflite")),
    )
    assert (status, "ChestX-ray14 and that of the adults' films" in error) == (2, True)
    assert "labels.csv with the columns image, label ('Normal (RSNA radiologists)') and split" in error
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("package", sorted(set(PackageName) - {PackageName.CHEST_FINDINGS, PackageName.NERVE}))
def test_the_other_packages_take_one_folder(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weights.tflite").write_bytes(b"")
    status, error = run(
        monkeypatch,
        capsys,
        *("fit", package, "--data", str(tmp_path), "--data", str(tmp_path), "--out", str(tmp_path / "r")),
        *("--imagenet", str(tmp_path / "weights.tflite")),
    )
    assert (status, "give --data once" in error) == (2, True)


def test_a_run_that_was_not_evaluated_cannot_be_packaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_run(tmp_path / "r", NOTES)
    status, error = run(monkeypatch, capsys, "package", str(tmp_path / "r"), "--out", str(tmp_path / "p"))
    assert (status, "was not evaluated" in error) == (1, True)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--version", "latest"], 2, "latest is not a version"),
        (["--key", "none.pem"], 1, "none.pem cannot be read"),
    ],
)
def test_a_package_is_not_started_if_it_would_fail_at_the_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    message: str,
) -> None:
    begin_run(tmp_path / "r", NOTES)
    ended = run(monkeypatch, capsys, "package", str(tmp_path / "r"), "--out", str(tmp_path / "p"), *options)
    assert (ended[0], message in ended[1]) == (status, True)
    assert not (tmp_path / "p").exists()


def test_the_command_line_starts_without_tensorflow() -> None:
    code = "import sys, leapfrog_training.cli; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_rebuild_says_at_once_which_set_is_missing_and_that_a_version_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "sets", tmp_path / "out"
    (data / "children_kermany").mkdir(parents=True)
    rebuild = ("rebuild", str(data), "--out", str(out), "--version")
    status, error = run(monkeypatch, capsys, *rebuild, "newest")
    assert (status, "--version newest is not a version" in error) == (2, True)
    status, error = run(monkeypatch, capsys, *rebuild, "0.3.0")
    assert status == 2
    assert "chestxray14, adults_rsna_normal, hc18" in error and "tf2_mobilenet_v2_1.0_224_ptq.tflite" in error
    assert "children_kermany" not in error and not out.exists()


def test_a_rebuild_of_one_package_asks_for_its_own_sets_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hc18").mkdir()
    rebuild = ("rebuild", str(tmp_path), "--out", str(tmp_path / "out"), "--version", "0.1.0", "--only", "nerve")
    status, error = run(monkeypatch, capsys, *rebuild)
    assert status == 2
    assert f"{tmp_path} has no nerves_usgra, chestxray14, coral" in error
