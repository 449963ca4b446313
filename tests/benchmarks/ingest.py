"""Durable ingest: how many images a second are acknowledged, over one association and over four at once; and how many
files of their bytes the bare disk takes.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare.disk import files_per_second
from benchmarks.parts import Run
from benchmarks.receivers import (
    AT_WORK,
    BARE_RECEIVER,
    INTAKE_ALONE,
    ORTHANC,
    OURS,
    PEERS,
    RECEIVERS,
    STORESCP,
    Receiver,
    remove,
)
from benchmarks.results import Aim, Measurement, Results, at_least
from support.dcmtk import store_arguments
from support.exams import Instance, chest_radiograph, ultrasound, write_instances
from support.orthanc import orthanc_program
from support.progress import Progress

BARE_DISK = "the bare disk"
ASSOCIATIONS = (1, 4)
REMARKS = {
    STORESCP: "does not fsync: not durable",
    BARE_RECEIVER: "the most that storescu and this disk give",
    BARE_DISK: "write, fsync, rename, fsync of the directory",
}

Pair = tuple[str, str]


@dataclass(frozen=True)
class Load:
    """Images of one kind, and the ratios of images per second that are shown for so many associations at once, each
    with its aim, if any.
    """

    name: str
    images: list[Instance]
    ratios: Mapping[int, Mapping[Pair, Aim | None]]


def measure(run: Run) -> None:
    """Each server in turn, and the bare disk, `rounds` times over, started empty for each measurement."""
    measured = [*OURS, *_peers(run.results), BARE_DISK] if run.with_peers else list(OURS)
    for load in _loads(run.directory, run.dose, run.progress):
        group = f"Durable ingest of {load.name}"
        rates: dict[tuple[str, int], list[float]] = {}
        for number in range(run.rounds):
            for associations in ASSOCIATIONS:
                # Another one begins each time: parts of a disk that were never written may be several times slower.
                for server in (*measured[number % len(measured) :], *measured[: number % len(measured)]):
                    run.progress.say(f"{group}: round {number + 1} of {run.rounds}, {associations} at once, {server}")
                    rate = _images_per_second(server, run.directory / "server", load.images, associations)
                    rates.setdefault((server, associations), []).append(rate)
        for associations in ASSOCIATIONS:
            of_these = {server: rates[server, associations] for server in measured}
            _add(run.results, load, group, associations, of_these)
        remove(load.images[0].path.parent)


def _peers(results: Results) -> list[str]:
    """Those that are installed; without the others, their numbers and ratios are left out."""
    if orthanc_program() is None:
        results.omit(f"ingest: {ORTHANC}", "it, or its DICOMweb plug-in, is not installed")
        return [peer for peer in PEERS if peer != ORTHANC]
    return list(PEERS)


def _loads(directory: Path, dose: float, progress: Progress) -> list[Load]:
    radiographs, loops = max(4, round(40 * dose)), max(4, round(300 * dose))
    progress.say(f"making {radiographs} radiographs and {loops} ultrasound pictures")
    cr = {(INTAKE_ALONE, ORTHANC): at_least(3.0), (INTAKE_ALONE, STORESCP): at_least(1.5)}
    us = {(INTAKE_ALONE, ORTHANC): at_least(4.0), (INTAKE_ALONE, STORESCP): at_least(4.0)}
    at_work = {(AT_WORK, ORTHANC): at_least(2.0)}
    bare_disk, bare_receiver = (INTAKE_ALONE, BARE_DISK), {(INTAKE_ALONE, BARE_RECEIVER): None}
    return [
        Load(
            "CR of 10 MB",
            write_instances(chest_radiograph(), directory / "cr", radiographs, studies=max(1, radiographs // 4)),
            {
                1: {**cr, **at_work, bare_disk: None, **bare_receiver},
                4: {**cr, **at_work, bare_disk: at_least(0.85), **bare_receiver},
            },
        ),
        Load(
            "US of 0.9 MB",
            write_instances(ultrasound(768, 1152), directory / "us", loops, studies=max(1, loops // 30)),
            {
                1: {**us, **at_work, bare_disk: at_least(0.5), **bare_receiver},
                4: {**us, **at_work, bare_disk: at_least(0.6), **bare_receiver},
            },
        ),
    ]


def _images_per_second(server: str, directory: Path, images: Sequence[Instance], associations: int) -> float:
    if server == BARE_DISK:
        rate = files_per_second(directory, [image.path.read_bytes() for image in images], associations)
        os.sync()
    else:
        rate = acknowledged_per_second(RECEIVERS[server](directory), images, associations)
    remove(directory)
    return rate


def acknowledged_per_second(server: Receiver, images: Sequence[Instance], associations: int) -> float:
    """How many images a second a server, which is started for it, acknowledges to so many `storescu` at once."""
    with server as receiver:
        paths = [image.path for image in images]
        began = time.perf_counter()
        senders = [
            subprocess.Popen(
                store_arguments(receiver.port, paths[number::associations]),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for number in range(associations)
        ]
        said = [sender.communicate()[0] for sender in senders]
        taken = time.perf_counter() - began
        stored = sum(text.count(b"Received Store Response (Success)") for text in said)
        if stored != len(images):
            raise RuntimeError(f"{type(server).__name__} acknowledged {stored} of {len(images)} images")
        receiver.drain(len(images))
    return len(images) / taken


def _add(results: Results, load: Load, group: str, associations: int, rates: Mapping[str, list[float]]) -> None:
    how = "one association" if associations == 1 else f"{associations} at once"
    remarks = {**REMARKS, INTAKE_ALONE: f"of {len(load.images)}"}
    medians = {
        server: results.add_median(group, f"{server}, {how}", samples, "images/s", remark=remarks.get(server, ""))
        for server, samples in rates.items()
    }
    for (ours, theirs), aim in load.ratios[associations].items():
        if theirs in medians:
            ratio = medians[ours] / medians[theirs]
            samples = tuple(one / other for one, other in zip(rates[ours], rates[theirs], strict=True))
            remark = ""
            if theirs == BARE_DISK:
                remark = f"{BARE_RECEIVER}: {medians[BARE_RECEIVER] / medians[BARE_DISK]:.2f}"
            results.add(Measurement(group, f"{ours} / {theirs}, {how}", ratio, "x", aim, samples, remark))
