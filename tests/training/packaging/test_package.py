"""Writing packages."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.engine.tensors import TensorSpec
from leapfrog.errors import PackageError
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import load_package
from leapfrog_training.chest.decisions.rules import ChestRule
from leapfrog_training.chest.manifest import chest_manifest
from leapfrog_training.errors import TrainingError
from leapfrog_training.packaging.package import add_file, write_package
from leapfrog_training.packaging.signing import sign_package

COVERED = ("Pneumonia", "Effusion")


class TwoFindings:
    """A model's shapes, without the model."""

    input = TensorSpec((1, 160, 160, 1), "int8", 1 / 127.5, 0)

    def output_of_rank(self, rank: int) -> int:
        return {2: 1, 4: 0}[rank]


def rule(label: str, urgent: float | None) -> ChestRule:
    return ChestRule(
        label=label,
        a=0.8,
        b=-0.25,
        thresholds={"PA": 0.41, "AP": 0.52},
        urgent_thresholds={"PA": urgent, "AP": None},
    )


@pytest.fixture
def manifest() -> Manifest:
    model: Any = TwoFindings()
    rules = tuple(rule(label, urgent=0.7 if label == "Pneumonia" else None) for label in COVERED)
    return chest_manifest("1.2.3", model, rules, (*COVERED, "Edema"), metrics={"mean_auroc": 0.86})


def test_a_written_package_loads_and_says_what_it_was_given(tmp_path: Path, manifest: Manifest) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n")
    loaded = load_package(tmp_path / "p").manifest
    assert set(loaded.files) == {"model.tflite", "card.md"}
    assert loaded.model_copy(update={"files": manifest.files}) == manifest
    assert (loaded.outputs.scores, loaded.outputs.heatmap) == (1, None)
    assert loaded.finding[0].urgent and not loaded.finding[1].urgent


def test_any_text_in_a_manifest_reads_back_the_same(tmp_path: Path, manifest: Manifest) -> None:
    text = 'a "quoted" \\ name\r\nin two lines, \u00e9 \x00\x1b\x7f'
    odd = manifest.model_copy(update={"intended_use": text, "metrics": {text: {"by.site": [0.5, 1e-9], "": text}}})
    write_package(tmp_path / "p", odd, b"model", "# card\n")
    loaded = load_package(tmp_path / "p").manifest
    assert (loaded.intended_use, loaded.metrics) == (text, odd.metrics)


def test_every_finding_that_is_not_covered_is_named(manifest: Manifest) -> None:
    assert len(manifest.not_covered) == 12
    assert {"Pneumothorax", "Pleural thickening"} <= set(manifest.not_covered)
    assert "Pleural effusion" not in manifest.not_covered
    trained_for = "Pulmonary edema (told from healthy films, but not from other abnormal ones)"
    assert [name for name in manifest.not_covered if "edema" in name] == [trained_for]


def test_an_altered_file_is_noticed(tmp_path: Path, manifest: Manifest) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n")
    (tmp_path / "p" / "card.md").write_text("# better card\n")
    with pytest.raises(PackageError, match=r"card\.md was altered"):
        load_package(tmp_path / "p")


def test_figures_ship_with_their_hashes(tmp_path: Path, manifest: Manifest) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n", extra_files={"roc.png": b"drawn"})
    assert set(load_package(tmp_path / "p").manifest.files) == {"model.tflite", "card.md", "roc.png"}
    (tmp_path / "p" / "roc.png").write_bytes(b"redrawn")
    with pytest.raises(PackageError, match=r"roc\.png was altered"):
        load_package(tmp_path / "p")


def test_an_added_file_is_hashed_and_ends_the_signature(tmp_path: Path, manifest: Manifest) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n")
    sign_package(tmp_path / "p", Ed25519PrivateKey.generate())
    add_file(tmp_path / "p", "quality.npz", b"numbers", metrics={"quality": {"false_alarms": 0.01}})
    package = load_package(tmp_path / "p")
    assert package.quality_path is not None
    assert package.manifest.metrics == {"mean_auroc": 0.86, "quality": {"false_alarms": 0.01}}
    assert package.signature == "none"


def test_a_new_model_keeps_the_quality_check_and_nothing_else(tmp_path: Path, manifest: Manifest) -> None:
    folder = tmp_path / "p"
    write_package(folder, manifest, b"model", "# card\n")
    add_file(folder, "quality.npz", b"numbers", metrics={"quality": {"false_alarms": 0.01}})
    (folder / "model_edgetpu.tflite").write_bytes(b"of the old model")
    write_package(folder, manifest.model_copy(update={"version": "2.0"}), b"new model", "# card\n")
    loaded = load_package(folder).manifest
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "model.tflite", "model.toml", "quality.npz"]
    assert (loaded.version, loaded.metrics["quality"]) == ("2.0", {"false_alarms": 0.01})


@pytest.mark.parametrize("version", ["1.2.3", "1.2.2", "1.2.3-rc.1", "1.2.3+again", "1.2"])
def test_a_version_that_is_not_higher_is_not_written_and_both_are_named(
    tmp_path: Path, manifest: Manifest, version: str
) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n")
    with pytest.raises(TrainingError, match=rf"chest-findings {re.escape(version)} was not written: .*version 1\.2\.3"):
        write_package(tmp_path / "p", manifest.model_copy(update={"version": version}), b"other", "# card\n")
    assert load_package(tmp_path / "p").model_path.read_bytes() == b"model"


@pytest.mark.parametrize("part", ["licence", "citation"])
def test_a_package_says_where_its_data_is_from_and_what_it_may_be_used_for(
    tmp_path: Path, manifest: Manifest, part: str
) -> None:
    silent = manifest.model_copy(update={"data": manifest.data.model_copy(update={part: "  "})})
    with pytest.raises(TrainingError, match=rf"fill in data\.{part}"):
        write_package(tmp_path / "p", silent, b"model", "# card\n")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["../x", "model.toml", "model.toml.sig"])
def test_only_plain_file_names_can_be_added(tmp_path: Path, manifest: Manifest, name: str) -> None:
    write_package(tmp_path / "p", manifest, b"model", "# card\n")
    with pytest.raises(TrainingError, match="cannot be added"):
        add_file(tmp_path / "p", name, b"")


def test_a_label_without_a_code_cannot_be_reported() -> None:
    with pytest.raises(ValueError, match="Pleural_Thickening has no code"):
        rule("Pleural_Thickening", urgent=None).rule()
