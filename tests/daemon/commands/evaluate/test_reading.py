"""What is read again, and of which images a picture is kept."""

import shutil
from pathlib import Path

import pytest

from leapfrog.commands.evaluate import reading
from leapfrog.commands.evaluate.command import Result, evaluate
from leapfrog.commands.evaluate.kept import READ_NAME, KeptImage
from leapfrog.settings import Settings
from support.made_up_hospital import write_film
from support.signed_packages import write_version

pytestmark = pytest.mark.slow

SICK, HEALTHY = 190, 122  # grays that the classifier tells apart; neither is "Dark"
FILMS = {"missed.png": HEALTHY, "found.png": SICK, "cleared.png": HEALTHY, "alarm.png": SICK}


class Hospital:
    """Four films, two of which the box gets wrong."""

    def __init__(self, directory: Path) -> None:
        write_version(directory / "packages/tiny", "1.2.3")
        (directory / "state").mkdir()
        self.settings = Settings.model_validate(
            {
                "station": {"state_dir": directory / "state"},
                "models": {"paths": [directory / "packages"]},
                "engine": {"device": "cpu", "threads": 1},
            }
        )
        self.data, self.out = directory / "films", directory / "result"
        for number, (name, gray) in enumerate(FILMS.items()):
            write_film(self.data / name, gray, number)
        self.label(missed="Bright", found="Bright", cleared="normal", alarm="normal")

    def label(self, **labels: str) -> None:
        rows = "".join(f"{name}.png,{label}\n" for name, label in labels.items())
        (self.data / "labels.csv").write_text(f"file,label\n{rows}")

    def evaluated(self) -> Result:
        return evaluate("tiny-chest", self.data, self.out, self.settings, None, None)

    def pictures(self) -> dict[str, bool]:
        """Of which films a picture is named, and whether it is there."""
        images = self.evaluated().evaluation.images
        return {
            image.labelled.file: (self.out / image.said.picture).is_file() for image in images if image.said.picture
        }


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path)


def test_a_picture_that_is_gone_is_made_again(hospital: Hospital) -> None:
    assert hospital.pictures() == {"missed.png": True, "alarm.png": True}
    next((hospital.out / "pictures").iterdir()).unlink()
    assert hospital.evaluated().before == len(FILMS) - 1
    assert hospital.pictures() == {"missed.png": True, "alarm.png": True}


def test_an_image_that_is_wrong_by_a_corrected_label_gets_its_picture(hospital: Hospital) -> None:
    hospital.evaluated()
    hospital.label(missed="Bright", found="normal", cleared="normal", alarm="normal")
    assert hospital.evaluated().before == len(FILMS) - 1
    assert hospital.pictures() == {"missed.png": True, "found.png": True, "alarm.png": True}


def test_no_run_keeps_more_pictures_than_a_result_may_have(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PICTURES", 1)
    assert len(hospital.pictures()) == 1
    hospital.label(missed="Bright", found="normal", cleared="Bright", alarm="normal")
    assert hospital.evaluated().before == len(FILMS)
    write_film(hospital.data / "found.png", SICK, 99)  # read again
    assert hospital.evaluated().before == len(FILMS) - 1
    assert len(list((hospital.out / "pictures").iterdir())) == 1
    assert not list(hospital.out.glob(f"{reading.WORK_PREFIX}*"))


def test_lines_that_were_repeated_or_edited_make_no_more_images(hospital: Hospital) -> None:
    shutil.copy(hospital.data / "found.png", hospital.data / "copy.png")
    (hospital.data / "labels.csv").write_text(
        "file,label,view\nfound.png,Bright,PA\ncopy.png,Bright,AP\nmissed.png,Bright,\ncleared.png,normal,\n"
    )
    first = hospital.evaluated().evaluation
    assert [image.labelled.file for image in first.images] == ["found.png", "missed.png", "cleared.png"]
    kept = hospital.out / READ_NAME
    header, *lines = kept.read_text().splitlines()
    assert len(lines) == 4
    kept.write_text("\n".join([header, *lines, *map(with_another_sha256, lines)]) + "\n")
    again = hospital.evaluated().evaluation
    assert again.images == first.images
    assert again.findings[0].detection == first.findings[0].detection


def with_another_sha256(line: str) -> str:
    image = KeptImage.model_validate_json(line)
    said = image.said.model_copy(update={"sha256": image.key})
    return image.model_copy(update={"said": said}).model_dump_json()
