"""Whose request is looked at next."""

from pathlib import Path

from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.outbox.commitments.verifier import CommitmentVerifier
from support.intake_box import make_box


def test_who_asks_without_end_does_not_keep_others_waiting(tmp_path: Path) -> None:
    box = make_box(tmp_path / "state")
    desk = box.commitments
    verifier = CommitmentVerifier(desk, Safekeeping(box.journal, box.spool), lambda: True)

    def ask(address: str, transaction: int) -> str:
        reference = Reference("1.2.840.10008.5.1.4.1.1.7", "2.25.404")
        return desk.request("CT", address, CommitmentRequest(f"2.25.{transaction}", (reference,)))

    flood = [ask("192.0.2.66", number) for number in range(5)]
    honest = ask("192.0.2.7", 100)
    verifier.turn()
    ask("192.0.2.66", 200)
    verifier.turn()
    assert [desk.ready(one) is not None for one in (flood[0], flood[1], honest)] == [True, False, True]
    verifier.turn()
    assert desk.ready(flood[1]) is not None
    box.journal.close()
