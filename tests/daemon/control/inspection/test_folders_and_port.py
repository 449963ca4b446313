"""Folders and port, looked at from outside."""

import socket
import threading
from pathlib import Path

import pytest

from leapfrog.control.inspection.folders import folder_problem
from leapfrog.control.inspection.patience import Look, NoAnswer
from leapfrog.control.inspection.port import port_problem
from support.capabilities import bound_by_file_modes


def test_a_folder_that_can_be_read_is_no_problem(tmp_path: Path) -> None:
    assert folder_problem(tmp_path) is None


def test_a_folder_that_is_gone_or_no_folder_is_named_with_its_remedy(tmp_path: Path) -> None:
    gone = folder_problem(tmp_path / "gone")
    assert gone is not None
    assert (gone.what, gone.remedy) == (
        f"The watched folder {tmp_path}/gone cannot be read: No such file or directory.",
        "Create it, or mount the disk or share that it is on.",
    )
    (tmp_path / "file").write_text("")
    replaced = folder_problem(tmp_path / "file")
    assert replaced is not None
    assert replaced.remedy == "A file is in its place: move that away and create the folder."


@pytest.mark.root
def test_a_folder_under_a_closed_one_is_named_with_its_remedy(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0)
    with bound_by_file_modes():
        problem = folder_problem(inner)
    inner.parent.chmod(0o700)
    assert problem is not None
    assert "and every folder above it" in problem.remedy


def test_a_look_that_hangs_is_given_up() -> None:
    never = threading.Event()
    look = Look(lambda: never.wait(60))
    with pytest.raises(NoAnswer) as raised:
        look.result(0.1)
    assert raised.value.strerror == "it does not answer"
    assert not look.done
    never.set()
    assert look.result(30)


def test_a_port_that_is_taken_names_the_program_that_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        problem = port_problem("127.0.0.1", port)
    assert problem is not None
    assert f"Port {port} is in use by " in problem.what
    assert "(process " in problem.what
    assert "dicom.port" in problem.remedy
    assert port_problem("127.0.0.1", port) is None, "it is free again"


def test_an_address_that_is_not_ours_is_a_problem() -> None:
    problem = port_problem("192.0.2.1", 11112)
    assert problem is not None
    assert "dicom.host" in problem.remedy
