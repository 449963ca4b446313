"""The evaluation as a web page without scripts: what a doctor reads before they trust the box, or set it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from leapfrog.evaluation.charts import reliability_chart, roc_chart, trade_off_chart
from leapfrog.evaluation.evaluation import PackageEvaluation, Setup
from leapfrog.evaluation.finding_images import FindingImages
from leapfrog.evaluation.findings import Detection, FindingMeasures
from leapfrog.evaluation.labelled import EvaluatedImage
from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording.text import clean, count, moment

TEMPLATES = Path(__file__).with_name("templates")
MOST_SHOWN = 24  # pictures of one kind of mistake
MOST_REASONS = 15
NONE = "-"


@dataclass(frozen=True)
class ShownPicture:
    """A picture of what the box got wrong, with what it said."""

    file: str
    caption: str


@dataclass(frozen=True)
class Sheet:
    """Pictures of one kind of mistake, the worst first; `total` is how many there are."""

    title: str
    total: int
    pictures: tuple[ShownPicture, ...]


@dataclass(frozen=True)
class FindingSection:
    """One finding as the page shows it."""

    title: str
    measures: FindingMeasures
    roc: Markup
    trade_off: Markup
    reliability: Markup
    command: str
    sheets: tuple[Sheet, ...]


def render_evaluation(evaluation: PackageEvaluation) -> str:
    """The page. It expects the pictures in its own folder, as `evaluation` names them."""
    template = environment(TEMPLATES).get_template("evaluation.html")
    reasons = evaluation.unread
    return template.render(
        evaluation=evaluation,
        setup=evaluation.setup,
        overall=evaluation.overall,
        measured_at=moment(evaluation.setup.measured_at),
        data=data_line(evaluation.setup),
        sections=[_section(evaluation, one) for one in evaluation.findings],
        reasons=reasons[:MOST_REASONS],
        more_reasons=sum(one.images for one in reasons[MOST_REASONS:]),
        any_unknown=any(one.unknown for one in reasons),
        share=share,
        interval=interval,
        area=area,
        number=number,
        clean=clean,
        count=count,
        policy=content_security_policy(),
        style=inline(TEMPLATES / "evaluation.css"),
    )


def title_of(measures: FindingMeasures) -> str:
    """The finding, and the view of the films where it is only theirs."""
    return measures.finding + (f", {measures.view} films" if measures.view else "")


def data_line(setup: Setup) -> str:
    """What was measured on, as a sentence: `The data: 208 images; the labels were last changed on 2026-11-20 08:15.`"""
    changed = f"; the labels were last changed on {moment(setup.labels_changed_at)}" if setup.labels_changed_at else ""
    return f"The data: {count(setup.images, 'image')}{changed}."


def share(portion: Portion | None) -> str:
    """`91 % (51 of 56)`."""
    return f"{portion.value:.0%} ({portion.hits:,} of {portion.of:,})".replace("%", " %") if portion else NONE


def interval(portion: Portion | None) -> str:
    """`81 to 96 %`."""
    return f"{100 * portion.low:.0f} to {100 * portion.high:.0f} %" if portion else NONE


def area(bounds: Bounds | None) -> str:
    """An AUROC with its interval: `.93 (.88 to .97)`."""
    if bounds is None:
        return NONE
    value, low, high = (f"{one:.2f}" for one in (bounds.value, bounds.low, bounds.high))
    return f"{value} ({low} to {high})"


def number(value: float) -> str:
    """A threshold in all its digits, as a person types it: one that is rounded flags other images."""
    return repr(float(value))


def _section(evaluation: PackageEvaluation, measures: FindingMeasures) -> FindingSection:
    return FindingSection(
        title=title_of(measures),
        measures=measures,
        roc=roc_chart(measures),
        trade_off=trade_off_chart(measures),
        reliability=reliability_chart(measures),
        command=_command(evaluation, measures),
        sheets=_sheets(evaluation.images, measures),
    )


def _command(evaluation: PackageEvaluation, measures: FindingMeasures) -> str:
    view = f" --view {measures.view}" if measures.view else ""
    return (
        f'leapfrog models thresholds {evaluation.setup.package} --from evaluation.json --finding "{measures.finding}"'
        f'{view} --threshold X --by "YOUR NAME"'
    )


def _sheets(images: Sequence[EvaluatedImage], measures: FindingMeasures) -> tuple[Sheet, ...]:
    """Where a finding is shown by view too, the pictures stand with the views."""
    name = measures.finding
    if measures.by_view and measures.view is None:
        return ()
    chosen = FindingImages.of(images, name, measures.view)
    missed = [one for one in chosen.read if chosen.is_there(one) and not one.said.findings[name].flagged]
    alarms = [one for one in chosen.read if not chosen.is_there(one) and one.said.findings[name].flagged]
    unread = [one for one in chosen.unread if chosen.is_there(one)]
    missed.sort(key=lambda one: one.said.findings[name].score)
    alarms.sort(key=lambda one: -one.said.findings[name].score)
    sheets = (
        _sheet("Missed: the finding is there, and was not flagged", missed, name),
        _sheet("False alarms: flagged, and the finding is not there", alarms, name),
        _sheet("Not assessed, although the finding is there", unread, name),
    )
    return tuple(sheet for sheet in sheets if sheet.total)


def _sheet(title: str, images: Sequence[EvaluatedImage], name: str) -> Sheet:
    pictured = [image for image in images if image.said.picture][:MOST_SHOWN]
    return Sheet(title, len(images), tuple(ShownPicture(one.said.picture, _caption(one, name)) for one in pictured))


def _caption(image: EvaluatedImage, name: str) -> str:
    said = image.said.findings.get(name)
    parts = [clean(image.labelled.file)]
    parts += [f"score {said.score:.2f}, threshold {said.threshold:.2f}"] if said else [clean(image.said.reason)]
    return " · ".join(part for part in parts if part)


def summary_lines(evaluation: PackageEvaluation) -> Iterable[str]:
    """The result in a few lines, for a terminal."""
    overall = evaluation.overall
    yield data_line(evaluation.setup)
    package = f"{evaluation.setup.package} {evaluation.setup.version}"
    yield f"{package} read {overall.assessed:,} of {overall.images:,} images."
    for one in evaluation.findings:
        found = one.detection
        yield (
            f"{title_of(one)}: finds {share(found.sensitivity)} of the sick, flags"
            f" {_alarms(found)} of the healthy; AUROC {area(found.auroc)}"
        )


def _alarms(found: Detection) -> str:
    if found.specificity is None:
        return NONE
    alarms = found.specificity.of - found.specificity.hits
    return f"{100 * (1 - found.specificity.value):.0f} % ({alarms:,} of {found.specificity.of:,})"
