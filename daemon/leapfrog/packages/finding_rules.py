"""What a model can report, from which scores on, and in films of which view."""

from typing import Self

from pydantic import Field, model_validator

from leapfrog.exam import Code, Drawn, FrontalView, Frozen
from leapfrog.packages.texts import Fraction, Name

LARGEST_SLOPE, LARGEST_OFFSET = 20.0, 40.0  # of a calibration: far beyond any that was fitted


class Calibration(Frozen):
    """Platt scaling: the displayed score is 1 / (1 + exp(-(a * logit(p) + b))) for the model's own score p.

    `a` is above 0, so that of two films the same one has the higher score in both.
    """

    a: float = Field(default=1.0, gt=0, le=LARGEST_SLOPE)
    b: float = Field(default=0.0, ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)


class ViewRule(Frozen):
    """How the model tells AP films from PA films: `column` of the scores, after those of the findings, is its
    probability that the film is AP; from `threshold` on it is read as one. Less than `unsure` from the threshold the
    model does not know, and the view that the image itself states is taken, if it states one.
    """

    column: int = Field(ge=1)
    threshold: Fraction = 0.5
    unsure: Fraction = 0.0

    def told(self, probability: float, stated: FrontalView | None = None) -> FrontalView:
        """The view of a film that is AP with this probability, and that is `stated` to be of a view."""
        if stated is not None and abs(probability - self.threshold) < self.unsure:
            return stated
        return "AP" if probability >= self.threshold else "PA"


class ViewThresholds(Frozen):
    """From which calibrated scores on a finding is flagged in films of one view, and urgent; never urgent if None."""

    threshold: Fraction
    urgent_threshold: Fraction | None = None

    @model_validator(mode="after")
    def _is_flagged_where_it_is_urgent(self) -> Self:
        if self.urgent_threshold is not None and self.urgent_threshold < self.threshold:
            raise ValueError("urgent_threshold must not be below threshold")
        return self


class ThresholdsByView(Frozen):
    """A finding's thresholds in films of each view. In films of a view without any it is not looked for: there were too
    few with it to say how often it would be found.
    """

    PA: ViewThresholds | None = None
    AP: ViewThresholds | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.given():
            raise ValueError("by_view needs the thresholds of at least one view")
        return self

    def of(self, view: FrontalView) -> ViewThresholds | None:
        """Those of films of `view`."""
        return self.PA if view == "PA" else self.AP

    def given(self) -> tuple[ViewThresholds, ...]:
        """Those that there are."""
        return tuple(one for one in (self.PA, self.AP) if one is not None)


class FindingRule(Frozen):
    """A finding that the model can report. `threshold` applies to the calibrated score.

    A flagged finding that is `urgent` brings its exam to the top of the list; with `urgent_threshold`, only from that
    score on.

    Where the package tells views, `by_view` may give thresholds for each. `threshold` is then the lowest of them, and
    `urgent_threshold` stands in `by_view` only: in a view without one the finding is never urgent, since it was not
    shown there that few healthy people are called urgent.

    A package with a heat map shows where it sees a finding, except with `shows_where = false`: then the report says
    that it does not tell.

    Of a free outline, `drawn` says how it is drawn. What is "hatched" is shown for orientation only, as the vessel
    beside a nerve: it decides nothing. `least_area` is the smallest part that is drawn, as a fraction of what the model
    is shown.
    """

    name: Name
    code: Code
    threshold: Fraction
    calibration: Calibration = Calibration()
    urgent: bool = False
    urgent_threshold: Fraction | None = None
    by_view: ThresholdsByView | None = None
    shows_where: bool | None = None
    drawn: Drawn = "outline"
    least_area: Fraction = 0.0

    @model_validator(mode="after")
    def _is_flagged_where_it_is_urgent(self) -> Self:
        if self.urgent_threshold is not None and (not self.urgent or self.urgent_threshold < self.threshold):
            raise ValueError("urgent_threshold needs urgent = true, and must not be below threshold")
        return self

    @model_validator(mode="after")
    def _agrees_with_its_views(self) -> Self:
        if self.by_view is None:
            return self
        views = self.by_view.given()
        if self.threshold != min(view.threshold for view in views):
            raise ValueError("threshold must be the lower of those in by_view")
        if self.urgent_threshold is not None:
            raise ValueError("with by_view, urgent_threshold is given for each view")
        if self.urgent != any(view.urgent_threshold is not None for view in views):
            raise ValueError(
                "with by_view, urgent = true needs an urgent_threshold in one view, and the other way round"
            )
        return self

    def in_view(self, view: FrontalView | None) -> Self | None:
        """The rule for films of `view`, None if the finding is not looked for in them; for any film where there are no
        thresholds by view.
        """
        if view is None or self.by_view is None:
            return self
        applied = self.by_view.of(view)
        if applied is None:
            return None
        return self.model_copy(
            update={
                "threshold": applied.threshold,
                "urgent": applied.urgent_threshold is not None,
                "urgent_threshold": applied.urgent_threshold,
                "by_view": None,
            }
        )

    def is_urgent(self, score: float) -> bool:
        """Whether a finding of this calibrated score is flagged and urgent."""
        return self.urgent and score >= max(self.threshold, self.urgent_threshold or 0.0)
