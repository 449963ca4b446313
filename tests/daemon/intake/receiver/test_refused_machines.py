"""A machine that is refused is named within seconds: its AE title and address, and what to type where."""

import contextlib
import socket
import ssl
from pathlib import Path

from leapfrog.intake.receiver.refused_machines import MOST_MACHINES, Machine, RefusedMachines
from leapfrog.settings import DicomSettings
from support.certificates import make_certificate
from support.dcmtk import echo, run_program
from support.intake_box import Box
from support.waiting import wait_until

WORKLIST_FIND = "1.2.840.10008.5.1.4.31"


def test_an_ae_title_that_is_not_allowed_is_named_with_the_line_to_add(box: Box) -> None:
    receiver, port = box.receiver(allowed_ae_titles=("CR ROOM 1",))
    assert not echo(port, calling="CR_NEW").succeeded
    (problem,) = receiver.problems()
    assert problem.what == (
        'The machine "CR_NEW" at 127.0.0.1 was refused: its AE title is not in dicom.allowed_ae_titles.'
    )
    assert 'add "CR_NEW" to dicom.allowed_ae_titles' in problem.remedy
    assert problem.since
    assert echo(port, calling="CR ROOM 1").succeeded
    assert receiver.problems() == (problem,), "another machine's success settles nothing for this one"


def test_an_address_that_is_not_allowed_is_named_with_the_line_to_add(box: Box) -> None:
    receiver, port = box.receiver(allowed_addresses=("192.0.2.0/24",))
    assert not echo(port, calling="US1").succeeded
    (problem,) = receiver.problems()
    assert 'The machine "US1" at 127.0.0.1 was refused' in problem.what
    assert 'add "127.0.0.1" to dicom.allowed_addresses' in problem.remedy


def test_a_machine_that_asks_only_for_what_the_box_lacks_is_told_where_it_belongs(box: Box) -> None:
    receiver, port = box.receiver(ae_title="KIOSK")
    run_program("findscu", "-W", "-aet", "US1", "-aec", "KIOSK", "-k", "0010,0010", "127.0.0.1", str(port))
    (problem,) = receiver.problems()
    assert 'The machine "US1" at 127.0.0.1 asked only for services that this box does not have' in problem.what
    assert f"AE title KIOSK, port {port}." in problem.remedy
    assert echo(port, calling="US1").succeeded
    assert receiver.problems() == (), "it has been set right"


def test_a_machine_that_speaks_tls_to_a_plain_box_is_recognised(box: Box, tmp_path: Path) -> None:
    receiver, port = box.receiver()
    context = ssl.create_default_context(cafile=str(make_certificate(tmp_path, "any").certificate))
    with socket.create_connection(("127.0.0.1", port)) as connection, contextlib.suppress(OSError):
        context.wrap_socket(connection, server_hostname="127.0.0.1").close()
    wait_until(lambda: len(receiver.problems()) == 1, "the refusal is known")
    (problem,) = receiver.problems()
    assert problem.what.startswith("A machine at 127.0.0.1 could not connect: it uses an encrypted connection")
    assert echo(port).succeeded
    assert receiver.problems() == ()


def test_a_plain_machine_at_a_box_with_tls_is_recognised(box: Box, tmp_path: Path) -> None:
    server = make_certificate(tmp_path, "server")
    receiver, port = box.receiver(tls_certificate=server.certificate, tls_key=server.key)
    assert not echo(port).succeeded
    wait_until(lambda: len(receiver.problems()) == 1, "the refusal is known")
    (problem,) = receiver.problems()
    assert "this box expects an encrypted connection" in problem.what


def test_whoever_scans_the_network_does_not_fill_the_list() -> None:
    refused = RefusedMachines(DicomSettings(allowed_ae_titles=("CR1",)))
    for number in range(10 * MOST_MACHINES):
        refused.ae_title_not_allowed(Machine("192.0.2.1", f"SCAN{number}"))
    refused.ae_title_not_allowed(Machine("192.0.2.7", "CR2"))
    problems = refused.problems()
    assert len(problems) == MOST_MACHINES
    assert '"CR2" at 192.0.2.7' in problems[-1].what
