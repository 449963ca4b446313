"""The model packages: whether each is whole, and whether the Edge TPU runs it."""

from collections.abc import Iterator

from leapfrog.commands.doctor.check import Check, as_check, ok, wrong
from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.device_failures import FailureKind
from leapfrog.state.station.local_thresholds import LocalThresholds
from leapfrog.wording.threshold_words import in_films, set_here


def model_checks(catalogue: Catalogue, has_devices: bool) -> Iterator[Check]:
    """A check for each package that is or would be used."""
    for package in catalogue.packages:
        yield _model_check(package, catalogue, has_devices)
    for damaged in catalogue.damaged:
        if not damaged.superseded:
            remedy = "Get a new copy of the package and install it with `leapfrog models install`."
            yield wrong(f"model {damaged.name}", damaged.reason, remedy)


def threshold_checks(thresholds: LocalThresholds) -> Iterator[Check]:
    """A check for each threshold that was set at this box, and for each that does not hold any more."""
    for one in thresholds.in_use:
        yield ok(
            f"threshold of {in_films(one.finding, one.view)}",
            set_here(one.threshold, one.shown(), f"{one.package} {one.version}'s"),
        )
    for problem in thresholds.problems:
        yield as_check("thresholds of this place", problem)


def _model_check(package: ModelPackage, catalogue: Catalogue, has_devices: bool) -> Check:
    name, signed = f"model {package.title}", f"signature: {package.signature}"
    compiled = package.manifest.edge_tpu
    if compiled is None:
        detail = f"{signed}; not compiled for the Edge TPU, so it runs on the processor"
        return wrong(name, detail, FailureKind.NOT_COMPILED.remedy) if has_devices else ok(name, detail)
    mapped = (
        f"{compiled.operations_on_edge_tpu} operations on the Edge TPU, {compiled.operations_on_cpu} on the processor"
    )
    detail = f"{signed}; {mapped}; {compiled.streamed_bytes} bytes of parameters streamed on each run"
    if others := _not_compiled_with(package, catalogue):
        detail += f"; not compiled together with {', '.join(others)}, so they evict each other from the chip"
        remedy = "Compile these packages together: `leapfrog-train compile PACKAGE PACKAGE`."
        return wrong(name, detail, remedy)
    return ok(name, detail)


def _not_compiled_with(package: ModelPackage, catalogue: Catalogue) -> list[str]:
    """Other compiled packages in use that may share a chip with this one, but were not compiled together with it."""
    compiled = package.manifest.edge_tpu
    partners = compiled.compiled_with if compiled else {}
    return [
        other.title
        for other in catalogue.packages
        if other is not package
        and other.edge_tpu_path is not None
        and partners.get(other.name) != other.manifest.files[other.edge_tpu_path.name]
    ]
