"""A threshold of this place: set by a person from the images of the hospital, instead of the package's own.

They change from which score on a finding is flagged, and nothing else: neither for whom a package is, nor what its
check in front lets pass. Nor do they make urgent what the package never calls so. An urgent threshold may be set
with them; if none is set, the package's own is raised where the new one would be above it, and never lowered.
"""

from typing import Self

from pydantic import Field, model_validator

from leapfrog.exam import FrontalView, Frozen, ThresholdSetHere
from leapfrog.packages.finding_rules import FindingRule, ThresholdsByView, ViewThresholds
from leapfrog.packages.texts import Fraction, Sha256

FEWEST_OF_EACH = 100  # positives, and negatives, that a threshold must be measured on: WHO/TDR's CAD calibration


class LocalThreshold(Frozen):
    """One threshold of this place. It holds for exactly the package whose `model.toml` has the SHA-256
    `package_sha256`; `view` is the view that it holds for, where the package has thresholds by view. `images` images
    were measured, of which `found` of the `positives` and `alarms` of the `negatives` reach it; `run_sha256` is that
    of the file with the measurement. `urgent_threshold` is None if none was set, `package_urgent_threshold` where the
    package calls urgent whatever is flagged.
    """

    package: str
    version: str
    package_sha256: Sha256
    finding: str
    view: FrontalView | None = None
    threshold: Fraction
    package_threshold: Fraction
    urgent_threshold: Fraction | None = None
    package_urgent_threshold: Fraction | None = None
    set_by: str = Field(min_length=1)
    set_at: str
    measured_at: str
    images: int
    positives: int = Field(ge=FEWEST_OF_EACH)
    negatives: int = Field(ge=FEWEST_OF_EACH)
    found: int
    alarms: int
    run_sha256: Sha256

    @model_validator(mode="after")
    def _is_flagged_where_it_is_urgent(self) -> Self:
        if self.urgent_threshold is not None and self.urgent_threshold < self.threshold:
            raise ValueError("urgent_threshold must not be below threshold")
        return self

    def is_of(self, finding: str, view: FrontalView | None) -> bool:
        """Whether it is the threshold of `finding` in films of `view`."""
        return self.finding == finding and self.view in (None, view)

    def shown(self) -> ThresholdSetHere:
        """What a report says of it."""
        return ThresholdSetHere(
            set_at=self.set_at,
            set_by=self.set_by,
            images=self.images,
            package_threshold=self.package_threshold,
            urgent_threshold=self.urgent_threshold,
            package_urgent_threshold=self.package_urgent_threshold,
        )


def with_threshold(
    rule: FindingRule, view: FrontalView | None, threshold: float, urgent_threshold: float | None = None
) -> FindingRule:
    """The rule with another threshold; in films of `view`, where it has thresholds by view. An `urgent_threshold` is
    for rules that are urgent there.
    """
    if rule.by_view is None:
        urgent = _not_below(threshold, rule.urgent_threshold if urgent_threshold is None else urgent_threshold)
        return rule.model_copy(update={"threshold": threshold, "urgent_threshold": urgent})
    changed = {
        name: ViewThresholds(
            threshold=threshold,
            urgent_threshold=_not_below(
                threshold, present.urgent_threshold if urgent_threshold is None else urgent_threshold
            ),
        )
        if name == view
        else present
        for name in ("PA", "AP")
        if (present := rule.by_view.of(name)) is not None
    }
    by_view = ThresholdsByView(PA=changed.get("PA"), AP=changed.get("AP"))
    return rule.model_copy(update={"by_view": by_view, "threshold": min(one.threshold for one in by_view.given())})


def _not_below(threshold: float, urgent_threshold: float | None) -> float | None:
    return None if urgent_threshold is None else max(threshold, urgent_threshold)
