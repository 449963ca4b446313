"""Which Edge TPUs the library names, asked in a child process: its double answers."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from leapfrog.devices.library import take_inventory
from leapfrog.errors import EngineError
from support.edge_tpu import EdgeTpuDouble

PYCORALS = Path(__file__).resolve().parents[2] / "support"


def test_the_library_names_its_devices_by_bus(edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.plug_in("usb /sys/bus/usb/devices/2-1", "pci /dev/apex_0", "usb /sys/bus/usb/devices/2-2")
    found = take_inventory(library=str(edge_tpu.library))
    assert found.names == ("usb:0", "pci:0", "usb:1")
    assert found.devices[1].path == "/dev/apex_0"
    assert "RuntimeVersion(14)" in found.library_version
    assert (found.runtime, found.pycoral, found.problem) == ("ai_edge_litert", "", "")


def test_a_missing_library_is_reported(tmp_path: Path) -> None:
    found = take_inventory(library=str(tmp_path / "libedgetpu.so.1"))
    assert "cannot open shared object file" in found.problem
    assert found.names == ()


def test_a_library_of_another_kind_is_reported() -> None:
    assert "edgetpu_version" in take_inventory(library="libc.so.6").problem


@pytest.mark.parametrize(("behaviour", "said"), [("abort", "signal 6"), ("segfault", "signal 11")])
def test_a_library_that_ends_the_child_ends_nothing_else(edge_tpu: EdgeTpuDouble, behaviour: str, said: str) -> None:
    edge_tpu.always(f"list-{behaviour}")
    with pytest.raises(EngineError, match=said):
        take_inventory(library=str(edge_tpu.library))


def test_a_library_that_hangs_is_abandoned(edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.always("list-hang")
    with pytest.raises(EngineError, match="did not list its devices within 2 s"):
        take_inventory(library=str(edge_tpu.library), seconds=2)


def test_a_missing_interpreter_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be started: No such file"):
        take_inventory(python=str(tmp_path / "python"))


def interpreter_with(folder: Path, package: Path) -> str:
    """An environment of its own that also has `package` and all that this interpreter has."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (places,) = folder.glob("lib/python*/site-packages")
    (places / "more.pth").write_text(f"{package}\n{sysconfig.get_path('purelib')}\n")
    return str(folder / "bin" / "python")


def test_googles_pycoral_is_asked_where_it_is(
    edge_tpu: EdgeTpuDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_TPU_DOUBLE_LIBRARY", str(edge_tpu.library))
    python = interpreter_with(tmp_path / "environment", PYCORALS / "pycoral_genuine")
    found = take_inventory(python, library="libedgetpu-that-is-not-there.so")
    assert (found.pycoral, found.names, found.problem) == ("genuine", ("usb:0",), "")
    assert "RuntimeVersion(14)" in found.library_version


def test_the_impostor_of_the_package_index_is_named_and_never_run(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    impostor = tmp_path / "index" / "pycoral"
    impostor.mkdir(parents=True)
    (impostor / "__init__.py").write_text("raise SystemExit('the impostor was run')")
    python = interpreter_with(tmp_path / "environment", impostor.parent)
    found = take_inventory(python, str(edge_tpu.library))
    assert (found.pycoral, found.names) == ("impostor", ("usb:0",))
