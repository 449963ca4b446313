"""Work on a run with TensorFlow, the same for every command that trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leapfrog_training.fitting.devices import Devices, Precision
from leapfrog_training.run.provenance import recorded_provenance
from leapfrog_training.run.folder import Run


@contextmanager
def working_on(run: Run, devices: Devices, precision: Precision, threads: int) -> Iterator[Run]:
    """Within, what is built and trained uses the devices. The run comes back as this machine has to write it: of
    several that train together only the first one's files count, the others write into a folder of their own. At the
    end the curves of all its networks are drawn.
    """
    from leapfrog_training.fitting.compute import prepare
    from leapfrog_training.fitting.history import draw_run_curves

    compute = prepare(devices, precision, threads)
    folder: Path = run.folder if compute.is_chief else run.folder / f"machine-{compute.worker}"
    folder.mkdir(exist_ok=True)
    own = run if compute.is_chief else Run(folder, run.notes)
    with recorded_provenance(folder, compute.devices.value), compute.scope():
        yield own
        draw_run_curves(own)
