"""The box's receiver, journal and spool as a program of their own: `python -m benchmarks.intake_alone STATE PORT`."""

import signal
import sys
from pathlib import Path

from leapfrog.intake.admission import Admission
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.settings import DicomSettings
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.journal import JOURNAL_NAME, Journal
from leapfrog.state.spool import SPOOL_NAME, Spool
from support.intake_box import make_desk


def main() -> None:
    """Receive until SIGTERM, with the originals owed as where a district is configured."""
    state_dir, port = Path(sys.argv[1]), int(sys.argv[2])
    spool = Spool(state_dir / SPOOL_NAME, 0)
    journal = Journal(state_dir / JOURNAL_NAME)
    numbers = ExamNumbers(journal, state_dir, settled=True)
    admission = Admission(journal, spool, numbers, ("district",), lambda: None)
    receiver = DicomReceiver(DicomSettings(host="127.0.0.1", port=port), admission, spool, make_desk(journal))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    receiver.start()
    signal.sigwait({signal.SIGTERM})
    receiver.stop()
    journal.close()


if __name__ == "__main__":
    main()
