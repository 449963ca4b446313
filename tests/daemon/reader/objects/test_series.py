"""Of the series of one study, the newest results stand first, and each says which version it is."""

from pathlib import Path
from typing import Any

import pydicom
import pytest

from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReplacedObject
from leapfrog.reader.objects.series import (
    LONGEST_LO,
    OVERLAYS,
    PREVIEWS,
    REPORT,
    SEGMENTATION,
    STRUCTURED_REPORT,
    Series,
)
from support.readings import report_job

KINDS = (STRUCTURED_REPORT, REPORT, OVERLAYS, SEGMENTATION, PREVIEWS)


def described(series: Series, tmp_path: Path, language: Any = "en", **job: Any) -> pydicom.Dataset:
    dataset = pydicom.Dataset()
    series.describe(dataset, report_job(tmp_path, **job), Speaker(language))
    return dataset


def sent(version: int) -> tuple[ReplacedObject, ...]:
    uids = {"sop_class_uid": "1.2", "sop_instance_uid": "1.3", "series_instance_uid": "1.4"}
    return (ReplacedObject(role="report_pdf", version=version, **uids),)


def test_the_newest_version_has_the_smallest_numbers_and_copies_of_images_the_largest(tmp_path: Path) -> None:
    numbers = [
        int(described(series, tmp_path, version=version).SeriesNumber)
        for version in (12, 2, 1)
        for series in KINDS
        if series.has_versions
    ]
    numbers.append(int(described(PREVIEWS, tmp_path, version=3).SeriesNumber))
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
    assert numbers[0] > 9999, "above those that machines give"
    assert int(described(REPORT, tmp_path, version=1_000_000).SeriesNumber) > 0


def test_a_series_says_its_version_and_which_one_it_replaces_if_that_was_sent(tmp_path: Path) -> None:
    assert described(REPORT, tmp_path, version=3).SeriesDescription == "Leapfrog report, not a diagnosis (v3)"
    replacing = described(REPORT, tmp_path, version=3, replaces=sent(1)).SeriesDescription
    assert replacing == "Leapfrog report, not a diagnosis (v3, replaces v1)"


@pytest.mark.parametrize("language", ["en", "fr", "es", "pt", "sw", "hi", "ar"])
def test_a_description_fits_in_every_language(language: str, tmp_path: Path) -> None:
    for series in KINDS:
        for version in (2, 1234):
            said = described(series, tmp_path, language, version=version, replaces=sent(version - 1)).SeriesDescription
            assert 0 < len(said.encode()) <= LONGEST_LO, "some archives and checks count bytes"
            assert str(version) in said or not series.has_versions
