"""The layout of a hospital's own images: what is understood, and what each mistake is called."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leapfrog.commands.evaluate.layout import read_labels
from leapfrog.errors import UsageError
from leapfrog.packages.manifest import Manifest, parse_manifest
from support.tiny_models import CLASSIFIER, NERVE_SEGMENTER

HASH = f'\n[files]\n"model.tflite" = "{"0" * 64}"\n'
BOTH = parse_manifest((CLASSIFIER + HASH).encode(), "tiny-chest")
NERVE = parse_manifest((NERVE_SEGMENTER + HASH).encode(), "tiny-nerve")


def hospital(folder: Path, table: str, *files: str) -> Path:
    for name in files or ("a.png", "b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"film {name}".encode())
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    return folder


def test_a_label_says_of_every_finding_whether_it_is_there(tmp_path: Path) -> None:
    table = "file,label,age,sex,view,machine,patient\na.png,bright,41,f,ap,Shimadzu,17\nb.png,Normal,,,,,\n"
    bright, normal = read_labels(hospital(tmp_path, table), BOTH).images
    assert bright.truth == {"Bright": True, "Dark": False}
    assert normal.truth == {"Bright": False, "Dark": False}
    assert (bright.age_years, bright.sex, bright.view, bright.machine, bright.patient) == (
        41,
        "F",
        "AP",
        "Shimadzu",
        "17",
    )
    assert (normal.age_years, normal.sex, normal.view, normal.machine, normal.patient) == (None, "", None, "", "")


@pytest.mark.parametrize(
    ("age", "years"), [("0", 0), ("41.5", 41), ("045Y", 45), ("036m", 3), ("020D", 0), ("120", 120)]
)
def test_an_age_is_in_years_or_as_in_dicom(tmp_path: Path, age: str, years: int) -> None:
    first, _ = read_labels(hospital(tmp_path, f"file,label,age\na.png,bright,{age}\nb.png,normal,\n"), BOTH).images
    assert first.age_years == years


@pytest.mark.parametrize("age", ["inf", "-inf", "nan", "1e9", "-0.5", "999Y", "45 Y"])
def test_what_is_no_age_is_named_with_its_line(tmp_path: Path, age: str) -> None:
    with pytest.raises(UsageError, match=rf'line 3: age is "{age}"'):
        read_labels(hospital(tmp_path, f"file,label,age\na.png,bright,4\nb.png,normal,{age}\n"), BOTH)


def test_it_is_told_when_the_table_was_last_changed(tmp_path: Path) -> None:
    data = hospital(tmp_path, "file,label\na.png,bright\nb.png,normal\n")
    os.utime(data / "labels.csv", (0, 86_400))
    changed_at = datetime.fromisoformat(read_labels(data, BOTH).changed_at)
    assert changed_at == datetime(1970, 1, 2, tzinfo=UTC)


def test_an_empty_cell_of_a_finding_is_not_known(tmp_path: Path) -> None:
    table = "File;Bright;Dark;comment\na.png;1;\nb.png;no;yes;seen twice\n".replace("1;\n", "1;;\n")
    labels = read_labels(hospital(tmp_path, table), BOTH)
    assert [image.truth for image in labels.images] == [{"Bright": True}, {"Bright": False, "Dark": True}]
    assert labels.notes == ("Columns that were not used: comment.",)


def test_folders_may_be_named_by_label(tmp_path: Path) -> None:
    for name in ("normal/a.png", "Bright+Dark/more/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(f"film {name}".encode())
    images = {image.file: image.truth for image in read_labels(tmp_path, BOTH).images}
    assert images["normal/a.png"] == {"Bright": False, "Dark": False}
    assert images["Bright+Dark/more/b.png"] == {"Bright": True, "Dark": True}


def test_a_finding_is_known_by_a_word_that_only_it_has(tmp_path: Path) -> None:
    named = CLASSIFIER.replace('name = "Bright"', 'name = "Pleural effusion"').replace(
        'name = "Dark"', 'name = "Pleural thickening"'
    )
    manifest = parse_manifest((named + HASH).encode(), "tiny-chest")
    first, _ = read_labels(hospital(tmp_path, "file,label\na.png,effusion\nb.png,normal\n"), manifest).images
    assert first.truth == {"Pleural effusion": True, "Pleural thickening": False}
    with pytest.raises(UsageError, match='"pleural" is no label'):
        read_labels(hospital(tmp_path, "file,label\na.png,pleural\nb.png,normal\n"), manifest)


def test_masks_need_no_label(tmp_path: Path) -> None:
    (image,) = read_labels(hospital(tmp_path, "file,mask\na.png,b.png\n"), NERVE).images
    assert (image.truth, image.masks) == ({}, {"Nerve": "b.png"})


@pytest.mark.parametrize(
    ("manifest", "table", "said"),
    [
        (BOTH, "image,label\na.png,bright\n", 'no column "file"'),
        (BOTH, "file,remark\na.png,bright\n", "says of no finding"),
        (BOTH, "file,label\na.png,bright\nc.png,normal\n", "1 file not in"),
        (BOTH, "file,label\na.png,bright\na.png,normal\n", "lists a.png more than once"),
        (BOTH, "file,label\na.png,bright\nb.png,Tuberculosis\n", 'line 3: "Tuberculosis" is no label'),
        (BOTH, "file,label\na.png,normal|bright\nb.png,normal\n", "says both normal and a finding"),
        (BOTH, "file,label\na.png,normal\nb.png,other\n", "No image has any of the findings"),
        (BOTH, "file,label\na.png,bright\nb.png,bright\n", "No image is without the finding"),
        (BOTH, "file,label,age\na.png,bright,old\nb.png,normal,4\n", 'line 2: age is "old"'),
        (BOTH, "file,label,view\na.png,bright,lateral\nb.png,normal,PA\n", 'view is "lateral"'),
        (BOTH, "file,bright\na.png,maybe\nb.png,0\n", 'bright is "maybe"'),
        (BOTH, "file,label\n../a.png,bright\nb.png,normal\n", "is not in the folder"),
        (BOTH, "file,label\na.png,bright,5\nb.png,normal\n", "3 cells, but 2 columns"),
        (BOTH, "file,label,label\na.png,bright,normal\n", 'column "label" more than once'),
        (BOTH, "file,label\n", "lists no image"),
        (BOTH, "", "is empty"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, manifest: Manifest, table: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_labels(hospital(tmp_path, table), manifest)
    assert said in str(refused.value)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"film")
    with pytest.raises(UsageError, match=r"neither a labels.csv nor folders"):
        read_labels(tmp_path, BOTH)
    (tmp_path / "tuberculosis").mkdir()
    with pytest.raises(UsageError, match="is no label that tiny-chest knows"):
        read_labels(tmp_path, BOTH)
    with pytest.raises(UsageError, match="is not a folder"):
        read_labels(tmp_path / "absent", BOTH)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,label\na.png,normal\nMüller.png,bright\n".encode("latin-1"))
    with pytest.raises(UsageError, match="UTF-8"):
        read_labels(tmp_path, BOTH)


def test_copies_with_labels_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    data = hospital(tmp_path, "file,label\na.png,bright\nc.png,dark\nb.png,normal\n", "a.png", "b.png", "c.png")
    (data / "b.png").write_bytes((data / "a.png").read_bytes())
    with pytest.raises(UsageError) as refused:
        read_labels(data, BOTH)
    said = str(refused.value)
    assert "labels.csv, line 2 (a.png) and labels.csv, line 4 (b.png) are copies of one image" in said
    assert "by the first Bright is there, by the other it is not" in said


def test_copies_in_folders_with_other_labels_are_named(tmp_path: Path) -> None:
    for name in ("bright/a.png", "normal/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"film")
    with pytest.raises(UsageError, match=r"bright/a\.png and normal/b\.png are copies of one image"):
        read_labels(tmp_path, BOTH)


def test_copies_whose_labels_agree_are_no_mistake(tmp_path: Path) -> None:
    data = hospital(tmp_path, "file,bright,dark\na.png,1,\nb.png,1,0\nc.png,0,0\n", "a.png", "b.png", "c.png")
    (data / "b.png").write_bytes((data / "a.png").read_bytes())
    assert len(read_labels(data, BOTH).images) == 3
