"""What a patient is called at the district."""

import importlib.util
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "config" / "district" / "box_issuer.py"


@pytest.fixture
def box_issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as Orthanc's plug-in loads it; the module `orthanc` exists in there alone."""
    monkeypatch.setitem(sys.modules, "orthanc", MagicMock())
    found = importlib.util.spec_from_file_location("box_issuer", SCRIPT)
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    monkeypatch.setattr(loaded, "ISSUERS", tmp_path / "issuers")
    return loaded


def test_a_box_that_nobody_named_is_an_issuer_by_its_own_name(box_issuer: Any) -> None:
    assert box_issuer.issuer_of("kitui") == "kitui"


def test_the_list_names_issuers_and_says_what_holds_for_all_others(box_issuer: Any) -> None:
    box_issuer.ISSUERS.write_text("# BOX ISSUER, one a line\n* -\nkitui KITUI\nkitui-2 KITUI\n")
    assert [box_issuer.issuer_of(box) for box in ("kitui", "kitui-2", "mwingi")] == ["KITUI", "KITUI", "-"]


def test_a_number_gets_the_clinics_name(box_issuer: Any) -> None:
    assert box_issuer.number_at_district("KITUI", "17", "1.2") == "KITUI-17"


def test_long_numbers_stay_different_and_fit(box_issuer: Any) -> None:
    made = [box_issuer.number_at_district("KITUI", "1" * 63 + last, "1.2") for last in "ab"]
    assert made[0] != made[1]
    assert all(number.startswith("KITUI-") and len(number) <= 64 for number in made)


def test_without_a_number_each_exam_is_somebody_of_its_own(box_issuer: Any) -> None:
    made = {box_issuer.number_at_district(issuer, "", study) for issuer in ("A", "B") for study in ("1.2", "1.3")}
    assert len(made) == 4
    assert box_issuer.number_at_district("A", "", "1.2") in made  # and the same each time
