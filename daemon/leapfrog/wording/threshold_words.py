"""Thresholds of this place in words: the same on reports, in commands and among what needs attention."""

from leapfrog.exam import FrontalView, ThresholdSetHere
from leapfrog.wording.scores import told_apart
from leapfrog.wording.text import clean, count, date_of


def in_films(finding: str, view: FrontalView | None) -> str:
    """A finding, with the view where only that is meant: `Pulmonary edema in AP films`."""
    return finding + (f" in {view} films" if view else "")


def set_here(threshold: float, setting: ThresholdSetHere, whose: str) -> str:
    """That a threshold is not the package's own, and who decided that; `whose` says who has the other: `0.503 set here
    on 2026-11-29 from 240 images by Dr Amina Okello, instead of the model's own 0.500`; then the same of an urgent one.
    """
    here, package = told_apart(threshold, setting.package_threshold)
    images, who = count(setting.images, "image"), clean(setting.set_by)
    told = f"{here} set here on {date_of(setting.set_at)} from {images} by {who}, instead of {whose} own {package}"
    return told + _urgent_set_here(setting)


def _urgent_set_here(setting: ThresholdSetHere) -> str:
    if setting.urgent_threshold is None:
        return ""
    if setting.package_urgent_threshold is None:
        (here,) = told_apart(setting.urgent_threshold)
        return f"; urgent from {here} on, instead of whenever it is flagged"
    here, package = told_apart(setting.urgent_threshold, setting.package_urgent_threshold)
    return f"; urgent from {here} on, instead of {package}"


def evaluate_again(package: str) -> str:
    """What to do where a measurement does not hold: without a full stop, as more may follow."""
    return f"Run `leapfrog evaluate {package}` with your images again"
