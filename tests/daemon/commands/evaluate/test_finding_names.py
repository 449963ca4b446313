"""Which finding is meant by what people write."""

import pytest

from leapfrog.commands.evaluate.finding_names import finding_called
from leapfrog.packages.manifest import parse_manifest
from leapfrog.packages.package import SHIPPED_PACKAGES

CHEST = parse_manifest((SHIPPED_PACKAGES / "chest-findings/model.toml").read_bytes(), "chest-findings")


@pytest.mark.parametrize("called", ["pneumonia", "Pneumonia", "PNEUMONIA", "features seen in pneumonia"])
def test_a_finding_is_known_by_name_code_or_a_word_in_any_case(called: str) -> None:
    rule = finding_called(called, CHEST)
    assert rule is not None and rule.name == "Features seen in pneumonia"


@pytest.mark.parametrize("called", ["", "in", "seen", "gallstone"])
def test_what_names_none_or_is_too_short_is_no_finding(called: str) -> None:
    assert finding_called(called, CHEST) is None


def test_a_word_of_several_findings_names_none_of_them() -> None:
    old, new = (CHEST.finding[0].model_copy(update={"name": name}) for name in ("Old fracture", "New fracture"))
    both = CHEST.model_copy(update={"finding": (old, new)})
    assert (finding_called("fracture", both), finding_called("new FRACTURE", both)) == (None, new)
