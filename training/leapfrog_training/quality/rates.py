"""Measures a check that names defects: how many good films of each source it refuses, and how many bad ones pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leapfrog.exam import Quality
from leapfrog.reader.assess.check_in_front.defects import SENTENCES, DefectCheck
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.quality.defect_check import Fitted, Layout, Source, cut_and_sized
from leapfrog_training.quality.defects import Gray, MadeDefect
from leapfrog_training.quality.processes import on_all_cores

AS_IT_IS = "as it is"
SEEN_BY_OTHERS = (AS_IT_IS, "white border of 10 %", "cropped by 10 %", "gamma 0.7", "gamma 1.4", "half size")


@dataclass(frozen=True)
class Share:
    """A share of `pictures`."""

    share: float
    pictures: int


@dataclass(frozen=True)
class DefectRates:
    """Rates on films that the check was not fitted to.

    `refused` and `refused_left_out`, by source and change: good films that do not pass, the latter by a check that was
    fitted without that source. `missed`, by kind of bad picture and source: those that pass. `named`, by kind: of those
    refused, the ones whose defect is named rightly.
    """

    refused: Mapping[str, Mapping[str, Share]]
    refused_left_out: Mapping[str, Mapping[str, Share]]
    missed: Mapping[str, Mapping[str, Share]]
    named: Mapping[str, float]


def judged(check: DefectCheck, film: Gray, layout: Layout) -> Quality:
    """The check's answer for a film of any size, cut and sized as on the kiosk."""
    return check.check(*cut_and_sized(film, layout))


def measure_defects(
    fitted: Fitted,
    sources: Sequence[Source],
    defects: Sequence[MadeDefect],
    strangers: Mapping[str, Sequence[Gray]],
    layout: Layout,
    seed: int,
) -> DefectRates:
    """Measure on the validation films of `sources`, on the same with each defect, and on `strangers` by kind."""
    refused: dict[str, dict[str, Share]] = {}
    left_out: dict[str, dict[str, Share]] = {}
    missed: dict[str, dict[str, Share]] = {}
    right: dict[str, list[bool]] = {}
    for source in sources:
        rows = _of_source(fitted, source, defects, layout, seed)
        refused[source.name] = _shares(rows, "good")
        if source.name in fitted.left_out:
            left_out[source.name] = _shares(rows, "left out")
        for kind, share in _shares(rows, "bad").items():
            missed.setdefault(kind, {})[source.name] = Share(1 - share.share, share.pictures)
        for row in rows:
            if row.role == "bad" and row.refused:
                right.setdefault(row.name, []).append(row.named)
    for kind, pictures in strangers.items():
        answers = [judged(fitted.check, picture, layout) for picture in pictures]
        missed[kind] = {"all": Share(sum(answer.acceptable for answer in answers) / len(answers), len(answers))}
    named = {name: sum(values) / len(values) for name, values in right.items()}
    return DefectRates(refused, left_out, missed, named)


def rate_metrics(rates: DefectRates) -> dict[str, object]:
    """The rates as `[metrics.quality]` of a model package."""
    return {
        "false_alarm_rate": {source: _plain(shares) for source, shares in rates.refused.items()},
        "false_alarm_rate_source_left_out": {
            source: _plain(shares) for source, shares in rates.refused_left_out.items()
        },
        "miss_rate": {kind: _plain(shares) for kind, shares in rates.missed.items()},
        "named_rightly": {kind: round(share, 3) for kind, share in rates.named.items()},
        "pictures": {source: shares[AS_IT_IS].pictures for source, shares in rates.refused.items()},
        "strangers": {kind: shares["all"].pictures for kind, shares in rates.missed.items() if "all" in shares},
    }


def _plain(shares: Mapping[str, Share]) -> dict[str, float]:
    return {name: round(share.share, 4) for name, share in shares.items()}


@dataclass(frozen=True)
class _Row:
    role: str  # good, left out or bad
    name: str  # of the change or of the defect
    refused: bool
    named: bool


def _of_source(
    fitted: Fitted, source: Source, defects: Sequence[MadeDefect], layout: Layout, seed: int
) -> Sequence[_Row]:
    def rows_of_film(position: int) -> list[_Row]:
        film, generator = source.validation[position], np.random.default_rng((seed, position))
        rows = []
        for name, form in {AS_IT_IS: film, **{name: change(film) for name, change in CHANGES.items()}}.items():
            picture, shown = cut_and_sized(form, layout)
            rows.append(_Row("good", name, not fitted.check.check(picture, shown).acceptable, named=False))
            if name in SEEN_BY_OTHERS and source.name in fitted.left_out:
                answer = fitted.left_out[source.name].check(picture, shown)
                rows.append(_Row("left out", name, not answer.acceptable, named=False))
        spoilt = [
            (made.kind, name, maker(film, generator)) for made in defects for name, maker in made.measured.items()
        ]
        for kind, name, picture in spoilt:
            answer = judged(fitted.check, picture, layout)
            rows.append(_Row("bad", name, not answer.acceptable, answer.detail == SENTENCES[kind]))
        return rows

    return on_all_cores(rows_of_film, len(source.validation))


def _shares(rows: Sequence[_Row], role: str) -> dict[str, Share]:
    """The share of refused pictures by name, among the rows of one role."""
    by_name: dict[str, list[bool]] = {}
    for row in rows:
        if row.role == role:
            by_name.setdefault(row.name, []).append(row.refused)
    return {name: Share(sum(refused) / len(refused), len(refused)) for name, refused in by_name.items()}
