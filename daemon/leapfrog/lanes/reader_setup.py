"""Makes a reader's setup from the settings."""

from pathlib import Path

from leapfrog.packages.catalogue import package_directories
from leapfrog.packages.signature import signature_policy
from leapfrog.processes.messages import ReaderSetup
from leapfrog.settings import EngineSettings, ModelSettings
from leapfrog.state.station.local_thresholds import signed_thresholds

# The address space of a reader. Measured: 0.3 GB after all imports; 0.4 GB for a film of 64 million 16-bit pixels, the
# largest that is decoded; 1.4 GB for the same film in lossless JPEG or JPEG 2000. A cine is read frame by frame. An
# exam's PDF adds 0.1 GB, that of 300 assessed images 0.7 GB. A job that needs more is set aside or ends the reader, but
# never the daemon.
READER_MEMORY_BYTES = 2 * 1024**3

# Of the deadline of an image, for the frames of a sweep beside those that are read of every cine: films wait meanwhile.
SWEEP_SHARE = 1 / 6
SWEEP_UNTIL = 2 / 3  # of the deadline; then no more frames are looked at on a slow box, so that what was seen is drawn


def reader_setup(engine: EngineSettings, models: ModelSettings, state_dir: Path) -> ReaderSetup:
    """The setup that a reader is started with. Raises SettingsError when a trusted key cannot be read."""
    return ReaderSetup(
        model_directories=package_directories(state_dir, models.paths),
        signature_policy=signature_policy(models.trusted_keys, models.require_signature),
        local_thresholds=signed_thresholds(state_dir),
        threads=engine.threads or 1,
        frames_per_cine=engine.frames_per_cine,
        sweep_seconds=engine.deadline_seconds * SWEEP_SHARE,
        sweep_until_seconds=engine.deadline_seconds * SWEEP_UNTIL,
        memory_limit_bytes=READER_MEMORY_BYTES,
    )
