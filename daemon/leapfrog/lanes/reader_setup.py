"""What a reader is started with, from the settings."""

from pathlib import Path

from leapfrog.packages.catalogue import package_directories
from leapfrog.packages.signature import signature_policy
from leapfrog.processes.messages import ReaderSetup
from leapfrog.settings import EngineSettings, ModelSettings

# Address space of a reader. Measured: 0.3 GB after all imports, 0.4 GB for a film of 64 million 16-bit pixels (the
# largest that decoding admits), 1.4 GB for the same in lossless JPEG or JPEG 2000; a cine goes frame by frame. The PDF
# of an exam takes 0.1 GB more, that of 300 assessed images 0.7 GB. What wants more ends the reader, or is set aside,
# and not the daemon.
READER_MEMORY_BYTES = 2 * 1024**3


def reader_setup(engine: EngineSettings, models: ModelSettings, state_dir: Path) -> ReaderSetup:
    """What a reader is started with. Raises SettingsError when a trusted key cannot be read."""
    return ReaderSetup(
        model_directories=package_directories(state_dir, models.paths),
        signature_policy=signature_policy(models.trusted_keys, models.require_signature),
        threads=engine.threads or 1,
        frames_per_cine=engine.frames_per_cine,
        memory_limit_bytes=READER_MEMORY_BYTES,
    )
