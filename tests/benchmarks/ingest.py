"""Durable ingest: how many images a second are acknowledged, over one association and over four at once."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts import Run
from benchmarks.receivers import RECEIVERS, remove
from benchmarks.results import Aim, Results, at_least
from support.dcmtk import store_arguments
from support.exams import Instance, chest_radiograph, ultrasound, write_instances
from support.progress import Progress

ALONE, AT_WORK, ORTHANC, STORESCP = "Leapfrog, intake alone", "Leapfrog, readers at work", "Orthanc", "storescp"
ASSOCIATIONS = (1, 4)


@dataclass(frozen=True)
class Load:
    """Images of one kind, and what is aimed at for them, as ratios of images per second."""

    name: str
    images: list[Instance]
    aims: dict[tuple[str, str], Aim]


def measure(run: Run) -> None:
    """Each server in turn, `rounds` times over, started empty for each measurement."""
    for load in _loads(run.directory, run.dose, run.progress):
        group = f"Durable ingest of {load.name}"
        rates: dict[tuple[str, int], list[float]] = {}
        for number in range(run.rounds):
            for associations in ASSOCIATIONS:
                for server in RECEIVERS:
                    run.progress.say(f"{group}: round {number + 1} of {run.rounds}, {associations} at once, {server}")
                    rate = _images_per_second(server, run.directory / "server", load.images, associations)
                    rates.setdefault((server, associations), []).append(rate)
        for associations in ASSOCIATIONS:
            _add(
                run.results,
                group,
                associations,
                {server: rates[server, associations] for server in RECEIVERS},
                load.aims,
            )
        remove(load.images[0].path.parent)


def _loads(directory: Path, dose: float, progress: Progress) -> list[Load]:
    radiographs, loops = max(4, round(40 * dose)), max(4, round(300 * dose))
    progress.say(f"making {radiographs} radiographs and {loops} ultrasound pictures")
    at_work = {(AT_WORK, ORTHANC): at_least(2.0)}
    return [
        Load(
            f"{radiographs} CR of 10 MB",
            write_instances(chest_radiograph(), directory / "cr", radiographs, studies=max(1, radiographs // 4)),
            {(ALONE, ORTHANC): at_least(3.0), (ALONE, STORESCP): at_least(1.5), **at_work},
        ),
        Load(
            f"{loops} US of 0.9 MB",
            write_instances(ultrasound(768, 1152), directory / "us", loops, studies=max(1, loops // 30)),
            {(ALONE, ORTHANC): at_least(4.0), (ALONE, STORESCP): at_least(4.0), **at_work},
        ),
    ]


def _images_per_second(server: str, directory: Path, images: Sequence[Instance], associations: int) -> float:
    with RECEIVERS[server](directory) as receiver:
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
            raise RuntimeError(f"{server} acknowledged {stored} of {len(images)} images")
        receiver.drain(len(images))
    remove(directory)
    return len(images) / taken


def _add(
    results: Results,
    group: str,
    associations: int,
    rates: dict[str, list[float]],
    aims: dict[tuple[str, str], Aim],
) -> None:
    how = "one association" if associations == 1 else f"{associations} at once"
    medians = {}
    for server, samples in rates.items():
        remark = "does not fsync: not durable" if server == STORESCP else ""
        medians[server] = results.add_median(group, f"{server}, {how}", samples, "images/s", remark=remark)
    for (ours, theirs), aim in aims.items():
        ratio = medians[ours] / medians[theirs]
        results.add_median(group, f"{ours} / {theirs}, {how}", [ratio], "x", aim)
