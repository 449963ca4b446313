"""What becomes of copies of originals at a start: those whose files are gone are forgotten, as a backup leaves them
out; and an original over which the box ended too often goes as it came.
"""

from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.spool import Spool


def settle_copies(encodings: Encodings, spool: Spool) -> None:
    """Do both, before anything is sent."""
    encodings.give_up_on_the_tried()
    lost = [one.id for one in encodings.ready() if not spool.path(one.spool_name).is_file()]
    if lost:
        encodings.forget(lost)
