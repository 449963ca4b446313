"""A modality whose association is gone is called at the address in the settings, until it has the report."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from leapfrog.control.attention import JournalView
from leapfrog.settings import ModalitySettings
from support.commitment_box import CommitmentBox, make_commitment_box, new_images, store_images
from support.modality import Modality, Pair
from support.ports import free_port
from support.waiting import wait_until

UNKNOWN = (SecondaryCaptureImageStorage, "2.25.404")
SECONDS = 90.0  # the program that calls takes seconds to start on a busy machine


class Site:
    """One box and the modality that it may call."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self.port = free_port()

    def box(self, *, knows_it: bool = True, **options: Any) -> CommitmentBox:
        known = [ModalitySettings(ae_title="FILMROOM", host="127.0.0.1", port=self.port)] if knows_it else []
        return self._stack.enter_context(make_commitment_box(self._directory / "state", known, **options))

    def modality(self, **options: Any) -> Modality:
        return self._stack.enter_context(Modality(**options))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def ask_and_leave(box: CommitmentBox, modality: Modality, references: list[Pair]) -> str:
    """Ask, and release the association before anything is verified. Returns the Transaction UID."""
    box.may_verify.clear()
    association = modality.associate(box.port)
    status, transaction = modality.ask(association, references)
    assert status == 0x0000
    association.release()
    wait_until(lambda: box.receiver.associations() == 0, "the box to see that the association is gone")
    box.may_verify.set()
    return transaction


def wait_for_report(modality: Modality) -> None:
    wait_until(lambda: modality.told, "the report", deadline_seconds=SECONDS)


@pytest.mark.parametrize("answers_role", [True, False])
def test_the_report_comes_over_a_new_association(site: Site, answers_role: bool) -> None:
    box, modality = site.box(), site.modality(answers_role=answers_role).listen(site.port)
    stored = store_images(box.port, modality, *new_images(2))
    transaction = ask_and_leave(box, modality, [*stored, UNKNOWN])
    wait_for_report(modality)
    (told,) = modality.told
    assert (told.transaction_uid, told.kept, told.failed) == (transaction, tuple(stored), {UNKNOWN: 0x0112})
    assert not told.same_association
    wait_until(lambda: box.commitments.counts()["reported"] == 1, "it to be noted", deadline_seconds=SECONDS)
    assert box.desk.problems() == ()


def test_a_modality_that_is_off_is_called_until_it_is_on(site: Site) -> None:
    box, modality = site.box(), site.modality()
    stored = store_images(box.port, modality, *new_images(1))
    ask_and_leave(box, modality, stored)
    (problem,) = wait_until(box.desk.problems, "the box to say so", deadline_seconds=SECONDS)
    assert f"FILMROOM (127.0.0.1 port {site.port})" in problem.what
    assert "It cannot be reached." in problem.what
    modality.listen(site.port)
    wait_for_report(modality)
    wait_until(lambda: box.desk.problems() == (), "the box to be content", deadline_seconds=SECONDS)


def test_a_report_that_is_refused_is_sent_again(site: Site) -> None:
    box, modality = site.box(), site.modality(answer=0x0110).listen(site.port)
    ask_and_leave(box, modality, [UNKNOWN])
    wait_for_report(modality)
    modality.answer = 0x0000
    wait_until(lambda: box.commitments.counts()["reported"] == 1, "it to be taken", deadline_seconds=SECONDS)
    assert len(modality.told) >= 2


def test_a_request_of_an_earlier_run_is_reported(site: Site) -> None:
    with site.box() as first:
        first.may_verify.clear()
        modality = site.modality()
        stored = store_images(first.port, modality, *new_images(1))
        association = modality.associate(first.port)
        assert modality.ask(association, stored)[0] == 0x0000
    modality.listen(site.port)
    site.box()
    wait_for_report(modality)
    assert (modality.told[0].kept, modality.told[0].same_association) == (tuple(stored), False)


def test_whose_address_nobody_knows_is_named_with_what_to_write(site: Site) -> None:
    box, modality = site.box(knows_it=False), site.modality()
    ask_and_leave(box, modality, [UNKNOWN])
    (problem,) = wait_until(box.desk.problems, "the box to say so")
    assert "FILMROOM at 127.0.0.1" in problem.what
    assert 'ae_title = "FILMROOM"' in problem.remedy


def test_what_nobody_could_be_told_for_too_long_is_given_up_until_a_person_retries_or_the_modality_asks_again(
    site: Site,
) -> None:
    box, modality = site.box(give_up_seconds=1.0), site.modality()
    ask_and_leave(box, modality, [UNKNOWN])
    wait_until(box.commitments.given_up, "it to be given up", deadline_seconds=SECONDS)
    (problem,) = [one for one in JournalView(box.intake.journal, ()).problems(live=True) if "FILMROOM" in one.what]
    given_up = box.commitments.given_up()[0].id
    assert given_up in problem.remedy
    assert box.commitments.retry(given_up)
    assert len(box.commitments.waiting()) == 1
    modality.listen(site.port)
    box.reporter.wake()
    wait_for_report(modality)
