"""Adds the check in front to model packages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from leapfrog.packages.package import QUALITY_NAME, load_package
from leapfrog_training.packaging.package import QUALITY_METRICS, add_file
from leapfrog_training.quality.chest import ChestData, MeasuredDefectCheck, fit_chest_check
from leapfrog_training.quality.defect_check import Layout, check_bytes
from leapfrog_training.quality.defects import Gray
from leapfrog_training.quality.rates import rate_metrics

SEED = 7


def add_chest_check(
    folders: Sequence[Path], data: ChestData, foreign: Mapping[str, Sequence[Gray]], seed: int = SEED
) -> Mapping[Path, Mapping[str, object]]:
    """Fit and measure the check of the chest packages in `folders` and add it to each, with its rates, which are also
    returned. Packages whose models take pictures of one size share one check, so that it is fitted once.

    `foreign`, by kind, are more pictures that should not pass, to measure on. Raises PackageError for a package that
    cannot be read.
    """
    measured: dict[Layout, MeasuredDefectCheck] = {}
    rates: dict[Path, Mapping[str, object]] = {}
    for folder in folders:
        model_input = load_package(folder).manifest.input
        layout = Layout(model_input.height, model_input.width)
        if layout not in measured:
            measured[layout] = fit_chest_check(data, layout, foreign, seed)
        rates[folder] = rate_metrics(measured[layout].rates)
        add_file(folder, QUALITY_NAME, check_bytes(measured[layout].fitted.check), {QUALITY_METRICS: rates[folder]})
    return rates
