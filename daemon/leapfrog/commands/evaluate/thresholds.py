"""`leapfrog models thresholds`: takes a threshold over from an evaluation as a setting of this box, and undoes it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leapfrog.commands.evaluate.finding_names import finding_called
from leapfrog.commands.evaluate.signed_run import require_signed
from leapfrog.errors import UsageError
from leapfrog.evaluation.candidates import Candidate, candidate, why_none
from leapfrog.evaluation.evaluation import PackageEvaluation, read_evaluation
from leapfrog.evaluation.finding_images import FindingImages
from leapfrog.exam import FrontalView
from leapfrog.packages.catalogue import Catalogue, packages_in_use
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.package import ModelPackage
from leapfrog.settings import Settings
from leapfrog.state.journal import now_text
from leapfrog.state.station.local_thresholds import (
    RESTART,
    has_thresholds,
    keep_thresholds,
    local_thresholds,
)
from leapfrog.wording.scores import told_apart
from leapfrog.wording.text import clean, one_line
from leapfrog.wording.threshold_words import evaluate_again, in_films, set_here

LONGEST_NAME = 80  # of a person


@dataclass(frozen=True)
class Wanted:
    """The threshold that a person wants, and the evaluation that it was `measured` in; "" and None are not given.
    Without an `urgent_threshold` the package's own stays, as far as it can.
    """

    package: str
    measured: Path | None = None
    finding: str = ""
    view: str = ""
    threshold: float | None = None
    by: str = ""
    urgent_threshold: float | None = None

    @property
    def is_given(self) -> bool:
        """Whether anything was said but the package."""
        return bool(self.view) or self.urgent_threshold is not None or len(self.missing) < len(self._needed)

    @property
    def missing(self) -> list[str]:
        """The options without which nothing can be set, of those that were not given."""
        return [option for option, value in self._needed.items() if value in (None, "")]

    @property
    def _needed(self) -> dict[str, object]:
        return {"--from": self.measured, "--finding": self.finding, "--threshold": self.threshold, "--by": self.by}


@dataclass(frozen=True)
class Outcome:
    """The thresholds of a package that are kept now, and what a person reads of that."""

    thresholds: tuple[LocalThreshold, ...]
    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog models thresholds --json`."""
        return {
            "thresholds": [one.model_dump(mode="json") for one in self.thresholds],
            "problems": list(self.problems),
        }


def asked(wanted: Wanted, undoing: bool, settings: Settings) -> Outcome:
    """Show the thresholds of a package, undo them, or set one: what the command was given says which of them. Raises
    UsageError where that is unclear, so that nobody takes the old threshold for the one that they wanted to set.
    """
    if undoing and wanted.is_given:
        raise UsageError("--undo goes back to the package's own thresholds and takes no other option. Leave them out.")
    if undoing:
        return undo(wanted.package, settings)
    return take_over(wanted, settings) if wanted.is_given else shown(wanted.package, settings)


def shown(package: str, settings: Settings) -> Outcome:
    """The thresholds of this place for `package`, and what is wrong with them."""
    catalogue = packages_in_use(settings)
    _package(package, catalogue)
    kept = has_thresholds(settings.state_dir, package)
    found = local_thresholds(settings.state_dir, lambda: catalogue)
    own = tuple(one for one in found.in_use if one.package == package)
    problems = tuple(one.text for one in found.problems) if kept else ()
    lines = [*map(_line, own), *problems]
    return Outcome(own, tuple(lines) or (f"{package} uses its own thresholds.",), problems)


def undo(package: str, settings: Settings) -> Outcome:
    """Go back to the package's own thresholds, whatever is wrong with those that are kept. Raises UsageError if there
    are none.
    """
    if not has_thresholds(settings.state_dir, package):
        raise UsageError(f"No threshold of {package} was set at this box.")
    keep_thresholds(settings.state_dir, package, ())
    return Outcome((), (f"{package} uses its own thresholds again.", RESTART))


def take_over(wanted: Wanted, settings: Settings) -> Outcome:
    """Set one threshold from an evaluation, in the place of the one that was set before for the same finding and view.

    Raises UsageError where the evaluation does not fit: not signed by this box, another package, too few images, an
    unknown finding; for a threshold that finds none of the sick, or clears none of the healthy; and for an urgent one
    below it, or of a finding that the package never calls urgent.
    """
    if wanted.measured is None or wanted.threshold is None or wanted.missing:
        missing = ", ".join(wanted.missing)
        raise UsageError(
            "Nothing was set. Setting a threshold takes --from (the evaluation.json), --finding, --threshold and --by"
            f" (who decides it). Missing: {missing}."
        )
    evaluation, content = read_evaluation(wanted.measured)
    catalogue = packages_in_use(settings)
    package = _package(wanted.package, catalogue)
    require_signed(wanted.measured, content, package.name, settings.state_dir)
    _require_of(evaluation, package, wanted.measured)
    rule = _rule(package, wanted.finding)
    view = _view(rule, wanted.view)
    chosen = FindingImages.of(evaluation.images, rule.name, view)
    positive, scores = chosen.positive, chosen.scores
    if reason := why_none(int(positive.sum()), int((~positive).sum()), "taken over"):
        raise UsageError(reason)
    effect = candidate(positive, scores, wanted.threshold, "", evaluation.setup.prevalence)
    _require_of_use(effect, f"The threshold {wanted.threshold:.6g} of {rule.name}")
    own = rule.in_view(view) or rule
    urgent_effect = None
    if wanted.urgent_threshold is not None:
        _require_may_be_urgent(own, view, wanted.threshold, wanted.urgent_threshold)
        urgent_effect = candidate(positive, scores, wanted.urgent_threshold, "", evaluation.setup.prevalence)
        _require_of_use(urgent_effect, f"The urgent threshold {wanted.urgent_threshold:.6g} of {rule.name}")
    setting = LocalThreshold(
        package=package.name,
        version=package.version,
        package_sha256=package.digest,
        finding=rule.name,
        view=view,
        threshold=wanted.threshold,
        package_threshold=own.threshold,
        urgent_threshold=wanted.urgent_threshold,
        package_urgent_threshold=own.urgent_threshold,
        set_by=clean(one_line(wanted.by), LONGEST_NAME),
        set_at=now_text(),
        measured_at=evaluation.setup.measured_at,
        images=len(positive),
        positives=effect.sensitivity.of,
        negatives=effect.specificity.of,
        found=effect.sensitivity.hits,
        alarms=effect.specificity.of - effect.specificity.hits,
        run_sha256=hashlib.sha256(content).hexdigest(),
    )
    others = [
        one
        for one in _still_valid(package, catalogue, settings.state_dir)
        if (one.finding, one.view) != (rule.name, view)
    ]
    keep_thresholds(settings.state_dir, package.name, (*others, setting))
    urgency = _urgency(own, setting) if urgent_effect is None else (_urgent_effect(urgent_effect),)
    return Outcome((*others, setting), (_line(setting), _effect(effect), *urgency, RESTART))


def _still_valid(package: ModelPackage, catalogue: Catalogue, state_dir: Path) -> tuple[LocalThreshold, ...]:
    """Those kept for this very package; what does not hold any more goes with the next setting."""
    found = local_thresholds(state_dir, lambda: catalogue).in_use
    return tuple(one for one in found if one.package == package.name)


def _package(name: str, catalogue: Catalogue) -> ModelPackage:
    package = catalogue.named(name)
    if package is None:
        raise UsageError(f"There is no package {name}. `leapfrog models list` shows all packages.")
    return package


def _require_of(evaluation: PackageEvaluation, package: ModelPackage, file: Path) -> None:
    setup = evaluation.setup
    if (setup.package, setup.package_sha256) != (package.name, package.digest):
        other = f"{setup.package} {setup.version}"
        also = ", with other content" if other == package.title else ""
        raise UsageError(
            f"{file} measured {other}, and {package.title} is in use{also}. {evaluate_again(package.name)}."
        )


def _rule(package: ModelPackage, finding: str) -> FindingRule:
    rule = finding_called(finding, package.manifest)
    if rule is None:
        names = ", ".join(one.name for one in package.manifest.finding)
        raise UsageError(f'{package.name} has no finding "{finding}", or several are called so. It has: {names}.')
    return rule


def _view(rule: FindingRule, view: str) -> FrontalView | None:
    if rule.by_view is None:
        if view:
            raise UsageError(f"{rule.name} has one threshold for all views: leave --view out.")
        return None
    for known in ("PA", "AP"):
        if view == known and rule.by_view.of(known) is not None:
            return known
    views = " or ".join(known for known in ("PA", "AP") if rule.by_view.of(known) is not None)
    raise UsageError(f"{rule.name} has thresholds by view: name it with --view {views}.")


def _require_may_be_urgent(own: FindingRule, view: FrontalView | None, threshold: float, urgent: float) -> None:
    if not own.urgent:
        raise UsageError(
            f"{in_films(own.name, view)} is never urgent, as the package has it: nobody has counted whom it would call"
            " so. Leave --urgent-threshold out."
        )
    if urgent < threshold:
        raise UsageError(
            f"--urgent-threshold {urgent:.6g} is below --threshold {threshold:.6g}: what is urgent must be flagged."
        )


def _require_of_use(effect: Candidate, named: str) -> None:
    found, cleared = effect.sensitivity, effect.specificity
    if found.hits and cleared.hits:
        return
    what = (
        f"flags all {cleared.of} healthy in these images: it tells nobody apart"
        if found.hits
        else f"finds none of the {found.of} sick in these images"
    )
    raise UsageError(f"{named} was not set: it {what}. Choose one that the page of the evaluation proposes.")


def _line(one: LocalThreshold) -> str:
    told = set_here(one.threshold, one.shown(), f"{one.package} {one.version}'s")
    return f"{in_films(one.finding, one.view)}: {told}."


def _effect(effect: Candidate) -> str:
    found, cleared = effect.sensitivity, effect.specificity
    alarms = cleared.of - cleared.hits
    sentence = effect.of_patients.sentence()
    return (
        f"On these images it finds {found.hits} of {found.of} sick and flags {alarms} of {cleared.of} healthy;"
        f" {sentence}."
    )


def _urgent_effect(effect: Candidate) -> str:
    found, cleared = effect.sensitivity, effect.specificity
    alarms = cleared.of - cleared.hits
    return f"On these images it calls urgent {found.hits} of {found.of} sick and {alarms} of {cleared.of} healthy."


def _urgency(own: FindingRule, setting: LocalThreshold) -> tuple[str, ...]:
    """What becomes of the urgent mark if no threshold was set for it."""
    if not own.urgent:
        return ()
    if own.urgent_threshold is None:
        return ("Whatever is flagged for it is urgent, as before.",)
    _, urgent = told_apart(setting.threshold, own.urgent_threshold)
    if setting.threshold > own.urgent_threshold:
        return (f"It is urgent from the same score on: the package's {urgent} is below it.",)
    return (f"It is urgent from {urgent} on, as before.",)
