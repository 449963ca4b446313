"""A separate process that sends what a state directory owes to an archive, asks for its promises and is called back,
for tests to kill. Arguments: STATE_DIR RECEIVER_PORT ARCHIVE_PORT AE_TITLE RATE.
"""

import logging
import sys
import threading
from pathlib import Path

from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.outbox.destinations.dicom.promise_asker import AskTiming
from leapfrog.outbox.destinations.dicom.promise_desk import PromiseDesk
from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.settings import DestinationSettings, DicomSettings, DistrictSettings
from leapfrog.state.deliveries import Deliveries
from support.intake_box import make_box

if __name__ == "__main__":
    state_dir, receiver_port, archive_port, ae_title, rate = sys.argv[1:]
    box = make_box(Path(state_dir))
    desk: PromiseDesk
    archive = DestinationSettings(
        name="archive", kind="dicom", host="127.0.0.1", port=int(archive_port), ae_title=ae_title, commit=True
    )
    quick = Backoff(0.05, 0.2)
    ended = threading.Event()
    outbox = Outbox(
        (archive,),
        DistrictSettings(bytes_per_second=int(rate)),
        Deliveries(box.journal),
        box.spool,
        lambda reason: ended.set(),
        Timing(link=quick, probe=quick, delivery=quick),
        handed_over=lambda: desk.wake(),  # noqa: PLW0108 - it is built below
    )
    asking = AskTiming(gather_seconds=0.2, wait_seconds=0.5, again_seconds=5.0, again_after_start_seconds=1.0)
    log = PeerLog(logging.getLogger(__name__))
    desk = PromiseDesk((archive,), "LEAPFROG", box.journal, outbox.wake, outbox.may_send, log, asking)
    dicom = DicomSettings(host="127.0.0.1", port=int(receiver_port))
    DicomReceiver(dicom, box.admission, box.spool, box.commitments, desk).start()
    outbox.start()
    desk.start()
    ended.wait()
