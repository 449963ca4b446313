"""What every test may ask for."""

import shutil
from pathlib import Path

import pytest

from support.edge_tpu import FOLDER_VARIABLE, EdgeTpuDouble, build_library
from support.pictures import References

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of our own."""
    parser.addoption(
        "--storm",
        type=int,
        help="times that each failure of an Edge TPU is brought about, with a deadline of a second: on a quiet machine",
    )
    parser.addoption("--kills", type=int, help="how often a daemon that goes over to a bundle is killed")
    parser.addoption(
        "--renew-pictures",
        action="store_true",
        help="draw the reference pictures anew, of names in every script and of how pages look: then look at each",
    )


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> References:
    """The pictures that a test compares with."""
    return References(renew=request.config.getoption("--renew-pictures"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real images beside the checkout; tests that need them are skipped, saying so, where they are missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(
            f"the shared data folder is not at {SHARED_DATA.parent.name}/{SHARED_DATA.name} beside the checkout"
        )
    return SHARED_DATA


@pytest.fixture(scope="session")
def edge_tpu_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The double of libedgetpu.so.1, compiled."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: it builds the double of libedgetpu")
    return build_library(tmp_path_factory.mktemp("libedgetpu"))


@pytest.fixture
def edge_tpu(edge_tpu_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EdgeTpuDouble:
    """One Edge TPU on USB, as every process sees it that a test starts."""
    folder = tmp_path / "edge-tpu"
    folder.mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(edge_tpu_library.parent))
    double = EdgeTpuDouble(folder, edge_tpu_library)
    double.plug_in("usb /sys/bus/usb/devices/2-1")
    return double
