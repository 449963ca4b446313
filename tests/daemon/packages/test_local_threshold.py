"""Another threshold for a finding: what changes with it, and what does not."""

import pytest

from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.local_threshold import with_threshold
from leapfrog.packages.manifest import parse_manifest
from support.tiny_models import CLASSIFIER, VIEW_TELLER

HASH = f'\n[files]\n"model.tflite" = "{"0" * 64}"\n'


def rule(manifest: str) -> FindingRule:
    return parse_manifest((manifest + HASH).encode(), "tiny").finding[0]


@pytest.mark.parametrize(("threshold", "urgent"), [(0.3, 0.7), (0.7, 0.7), (0.9, 0.9)])
def test_the_urgent_threshold_is_never_below_the_threshold(threshold: float, urgent: float) -> None:
    bright = rule(CLASSIFIER.replace("urgent = true", "urgent = true\nurgent_threshold = 0.7"))
    changed = with_threshold(bright, None, threshold)
    assert (changed.threshold, changed.urgent_threshold) == (threshold, urgent)
    assert changed.model_copy(update={"threshold": bright.threshold, "urgent_threshold": 0.7}) == bright


@pytest.mark.parametrize("packages_own", ["", "\nurgent_threshold = 0.7"])
def test_an_urgent_threshold_may_be_set_with_it_higher_or_lower_than_the_packages(packages_own: str) -> None:
    bright = rule(CLASSIFIER.replace("urgent = true", f"urgent = true{packages_own}"))
    for urgent in (0.65, 0.95):
        changed = with_threshold(bright, None, 0.62, urgent)
        assert (changed.threshold, changed.urgent_threshold) == (0.62, urgent)
        assert (changed.is_urgent(urgent), changed.is_urgent(urgent - 0.01)) == (True, False)
    by_view = with_threshold(rule(VIEW_TELLER), "PA", 0.5, 0.55).by_view
    assert by_view is not None and by_view.PA is not None and by_view.AP is not None
    assert (by_view.PA.urgent_threshold, by_view.AP.urgent_threshold) == (0.55, None)


def test_the_threshold_of_one_view_leaves_the_other() -> None:
    bright = rule(VIEW_TELLER)  # PA .6 and urgent .8, AP .2 and never urgent
    higher = with_threshold(bright, "PA", 0.9)
    assert higher.by_view is not None and higher.by_view.PA is not None and higher.by_view.AP is not None
    assert (higher.by_view.PA.threshold, higher.by_view.PA.urgent_threshold) == (0.9, 0.9)
    assert (higher.by_view.AP.threshold, higher.by_view.AP.urgent_threshold) == (0.2, None)
    assert higher.threshold == 0.2
    lower = with_threshold(bright, "PA", 0.1)
    assert lower.threshold == 0.1
    FindingRule.model_validate(lower.model_dump())  # a package could have it
    FindingRule.model_validate(higher.model_dump())
