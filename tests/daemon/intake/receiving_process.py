"""A receiver in a separate process, for tests that kill it or watch its memory. Arguments: STATE_DIR PORT."""

import sys
import threading
from pathlib import Path

from leapfrog.intake.admission import Admission
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.settings import DicomSettings
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.intake_box import make_desk

state_dir, port = Path(sys.argv[1]), int(sys.argv[2])
journal = Journal(state_dir / "journal.sqlite")
spool = Spool(state_dir / "spool", 0)
spool.clear_unfinished()
numbers = ExamNumbers(journal, state_dir, settled=True)
admission = Admission(journal, spool, numbers, ("district",), lambda: None)
DicomReceiver(DicomSettings(host="127.0.0.1", port=port), admission, spool, make_desk(journal)).start()
sys.stdout.write("listening\n")
sys.stdout.flush()
threading.Event().wait()
