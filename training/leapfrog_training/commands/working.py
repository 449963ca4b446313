"""Work on a run with TensorFlow, the same for every command that trains. Runs on the training machine only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leapfrog_training.devices import Devices, Precision
from leapfrog_training.provenance import record_provenance
from leapfrog_training.runs import Run


@contextmanager
def working_on(run: Run, devices: Devices, precision: Precision, threads: int) -> Iterator[Run]:
    """Within, what is built and trained uses the devices. The run comes back as this machine has to write it: of
    several that train together only the first one's files count, the others write into a folder of their own.
    """
    from leapfrog_training.compute import prepare

    start = time.monotonic()
    compute = prepare(devices, precision, threads)
    folder: Path = run.folder if compute.is_chief else run.folder / f"machine-{compute.worker}"
    own = run if compute.is_chief else Run(folder, run.notes)
    with compute.scope():
        yield own
    if compute.is_chief:
        record_provenance(folder, compute.devices.value, time.monotonic() - start)
