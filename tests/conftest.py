"""What every test may ask for."""

from pathlib import Path

import pytest

DEFAULT_BURST = 40

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of our own."""
    parser.addoption(
        "--burst", type=int, default=DEFAULT_BURST, help="images in the bursts in which processes are killed"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real images beside the checkout; tests that need them are skipped, saying so, where they are missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(
            f"the shared data folder is not at {SHARED_DATA.parent.name}/{SHARED_DATA.name} beside the checkout"
        )
    return SHARED_DATA
