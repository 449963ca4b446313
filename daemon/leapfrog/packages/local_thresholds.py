"""The packages with the thresholds that were set for them at this box."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.local_threshold import LocalThreshold, with_threshold
from leapfrog.packages.package import ModelPackage


def holds_for(threshold: LocalThreshold, package: ModelPackage) -> bool:
    """Whether `threshold` was set for this very package."""
    return (threshold.package, threshold.package_sha256) == (package.name, package.digest)


def with_local_thresholds(catalogue: Catalogue, thresholds: Sequence[LocalThreshold]) -> Catalogue:
    """The packages with the thresholds that were set for them here; those for other packages count for nothing."""
    if not thresholds:
        return catalogue
    return replace(catalogue, packages=tuple(_adjusted(package, thresholds) for package in catalogue.packages))


def _adjusted(package: ModelPackage, thresholds: Iterable[LocalThreshold]) -> ModelPackage:
    own = tuple(one for one in thresholds if holds_for(one, package))
    if not own:
        return package
    rules = tuple(_with_all(rule, own) for rule in package.manifest.finding)
    return replace(package, manifest=package.manifest.model_copy(update={"finding": rules}), local_thresholds=own)


def _with_all(rule: FindingRule, thresholds: Iterable[LocalThreshold]) -> FindingRule:
    for one in thresholds:
        if one.finding == rule.name:
            rule = with_threshold(rule, one.view, one.threshold, one.urgent_threshold)
    return rule
