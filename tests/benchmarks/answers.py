"""What it costs the link to ask a real district server about 40 exams, and to fetch an answer: all bytes of HTTP, both
ways.
"""

import socket
import threading
import time
from contextlib import suppress

from pydicom.dataset import Dataset

from benchmarks.parts import Run
from benchmarks.results import Measurement, at_most
from support.answers_box import HOUR, AnswersBox, Exam
from support.orthanc import Orthanc, orthanc_program
from support.radiologist import encapsulated_pdf, file_of, pdf_pages, structured_report

GROUP = "Asking for answers"
EXAMS = 40
DAY = 24 * HOUR
QUIET_SECONDS = 0.2  # until the last bytes have passed


class CountingLink:
    """Passes connections on to a port of this machine, and counts what moves."""

    def __init__(self, port: int) -> None:
        """Listens at once."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._moved = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> int:
        """How many bytes moved since the last call."""
        time.sleep(QUIET_SECONDS)
        with self._lock:
            moved, self._moved = self._moved, 0
        return moved

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                with self._lock:
                    self._moved += len(part)
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def measure(run: Run) -> None:
    """Rounds of questions, without news and with."""
    if orthanc_program() is None:
        run.results.omit(GROUP, "Orthanc, or its DICOMweb plug-in, is not installed")
        return
    run.progress.say(f"asking a district about {EXAMS} exams")
    (run.directory / "asking").mkdir()
    with Orthanc(run.directory / "orthanc") as district, AnswersBox(run.directory / "asking") as box:
        link = CountingLink(district.http_port)
        exams = [box.sent_exam(str(number), give_to=district.add) for number in range(100, 100 + EXAMS)]
        for exam in exams:
            _sent_report(box, district, exam)
        inquirer = box.inquirer(f"http://127.0.0.1:{link.port}/dicom-web")

        def ask(what: str, most: float, after: float = HOUR) -> None:
            box.later(after)
            inquirer.turn()
            run.results.add(Measurement(GROUP, what, link.taken(), "bytes", at_most(most)))

        ask(f"first question about {EXAMS} exams, each looked through", 80_000)
        ask(f"{EXAMS} exams, nothing new", 8_000)
        report = structured_report(exams[0].study_instance_uid, exams[0].patient_id)
        ask(_added(district, report, "report"), 12_000)
        letter = encapsulated_pdf(exams[1].study_instance_uid, exams[1].patient_id, pdf_pages("Clear. " * 200))
        ask(_added(district, letter, "letter"), 40_000, DAY)
        link.close()


def _sent_report(box: AnswersBox, district: Orthanc, exam: Exam) -> None:
    """The district has a report of the box's own in each study."""
    own = structured_report(exam.study_instance_uid, exam.patient_id, verified_by=None, Manufacturer="Leapfrog")
    district.add(file_of(own))
    box.journal.change(
        "INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, created_at, state)"
        " VALUES (?1, 'structured_report', ?2, '', ?1, '', 'confirmed')",
        str(own.SOPInstanceUID),
        exam.key,
    )


def _added(district: Orthanc, answer: Dataset, name: str) -> str:
    content = file_of(answer)
    district.add(content)
    return f"{EXAMS} exams, one answered by a {name} of {len(content):,} bytes"
