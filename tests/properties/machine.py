"""Everything that befalls a box, in an order that hypothesis chooses; after each event the invariants are looked at."""

import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from leapfrog.dicom.uids import mint_uid
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.intake.instance_header import read_header
from leapfrog.lanes.job_end import DeadlineMissed, EngineDied, JobEnd, ReaderDied
from leapfrog.lanes.produced import adopt
from leapfrog.lanes.readings import READER_DEATH_LIMIT
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult
from leapfrog.reader.objects.finished_object import Purpose, finish
from leapfrog.spool_file.digest import digest_of
from leapfrog.state.arrivals import record_of
from leapfrog.state.journal import new_id
from leapfrog.state.records import CommittedReport, StudyRecord
from leapfrog.state.sent_results import SentResults
from leapfrog.state.start.adoption import RenderedReport
from properties.box import PAST_ALL_PAUSES_SECONDS, Acknowledged, Box
from properties.invariants import (
    INVARIANTS,
    Before,
    identities,
    look,
    the_journal_from_the_spool_has_the_same_instances,
)
from support.journal_rows import new_instance, reading_of
from support.owed import part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, Reset

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
UIDS = tuple(f"2.25.{number}" for number in range(1, 5))  # few, so that they meet again
PIXELS = (b"\1", b"\2")
REFUSED = Answer(
    409,
    b'{"00081198": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["%s"]},'
    b' "00081197": {"vr": "US", "Value": [49152]}}]}}',
    "application/dicom+json",
)
MOST_PICKED = 7
HAPPENED: Counter[str] = Counter()  # in all boxes of this process: so many events, and boxes with each of the others


class BoxMachine(RuleBasedStateMachine):
    """The events; what they do is in `box.py`, what must hold in `invariants.py`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="leapfrog-properties-"))
        self.box = Box(self.folder)
        self.before = Before()
        self.copies: list[tuple[Path, set[str]]] = []
        self.events = 0

    def teardown(self) -> None:
        self._tell()
        self.box.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tell(self) -> None:
        """Count what came to pass."""
        told, counts = self.box.told, self.box.journal.counts("deliveries")
        HAPPENED["boxes"] += 1
        HAPPENED["events"] += self.events
        HAPPENED["starts"] += self.box.starts
        happened = {
            "with something confirmed": told.confirmed,
            "with something forgotten": told.forgotten,
            "with something refused": counts["refused"],
            "with something dismissed": counts["dismissed"],
            "with something renamed": self.box.instances.forwarded_under_new_uid(),
            "with a report": told.rendered,
            "with a picture": told.pictures,
            "with a file spoiled": told.spoiled,
            "with something laid aside": self.box.spool.aside_alarming(),
            "with a file and its row gone": told.destroyed,
        }
        HAPPENED.update(what for what, true in happened.items() if true)

    @initialize(uids=st.lists(st.sampled_from(UIDS), min_size=1, max_size=3), is_calm=st.booleans())
    def begin(self, uids: list[str], is_calm: bool) -> None:
        """A box that has had a day already."""
        for uid in uids:
            self.receive(uid, PIXELS[0], "2.25.90")
        if is_calm:
            self.work_in_peace()
        self.before = look(self.box)

    @rule()
    def work_in_peace(self) -> None:
        """Read, report and send all that waits."""
        while self.box.read_next(lambda job: _result(job, "read", same=False)):
            pass
        self.report(urgent=False, committed=True)
        self.box.send()

    # ------------------------------------------------------------ what comes in

    @rule(uid=st.sampled_from(UIDS), pixels=st.sampled_from(PIXELS), study=st.sampled_from(("2.25.90", "2.25.91", "")))
    def receive(self, uid: str, pixels: bytes, study: str) -> None:
        content = _film(uid, pixels, study)
        arriving = self.box.spool.incoming / new_id()
        arriving.write_bytes(content)
        instance_id = self.box.admission.admit_dicom(arriving, read_header(arriving), "MODALITY")
        self._acknowledge(instance_id, uid, content)

    @rule(number=st.integers(0, 3))
    def receive_picture(self, number: int) -> None:
        arriving = self.box.spool.incoming / new_id()
        arriving.write_bytes(b"picture %d" % number)
        uids = {f"{kind}_instance_uid": mint_uid() for kind in ("study", "series", "sop")}
        identity = PictureIdentity(patient_id="P1", **uids)
        instance_id = self.box.admission.admit_picture(arriving, identity, PictureHints(), "inbox")
        self.box.told.pictures.add(instance_id)
        self._acknowledge(instance_id, identity.sop_instance_uid, b"picture %d" % number)

    def _acknowledge(self, instance_id: str, uid: str, content: bytes) -> None:
        told = self.box.told
        if instance_id not in told.acknowledged and uid in self.box.district.received():
            told.reused.add(instance_id)
        told.acknowledged[instance_id] = Acknowledged(instance_id, uid, content)
        told.forgotten.discard(instance_id)
        told.spoiled.discard(instance_id)  # what is sent again repairs it
        told.destroyed.discard(instance_id)

    # ------------------------------------------------------------ reading

    @rule(state=st.sampled_from(("read", "read", "forward_only", "set_aside")), same=st.booleans())
    def read(self, state: str, same: bool) -> None:
        self.box.read_next(lambda job: _result(job, state, same))

    @rule(end=st.sampled_from((ReaderDied("killed"), EngineDied("gone"), DeadlineMissed("reader"))))
    def fail_to_read(self, end: JobEnd) -> None:
        for _ in range(READER_DEATH_LIMIT):
            self.box.read_next(lambda _job: end)

    @rule(urgent=st.booleans(), committed=st.sampled_from((True, True, False)))
    def report(self, urgent: bool, committed: bool) -> None:
        """The next version for each study that needs one; or the box dies when its object is in the spool."""
        for study in self.box.studies.open():
            if study.changed and self.box.studies.is_whole(study.key):
                self._report(study, urgent, committed)
        if not committed:
            self._restart(killed=True)

    def _report(self, study: StudyRecord, urgent: bool, committed: bool) -> None:
        box, version = self.box, study.version + 1
        work_dir = box.spool.work_dir(study.key)
        made = _made(work_dir, Purpose("report_pdf", study.key, None, version), ENCAPSULATED_PDF, mint_uid())
        owed = adopt(box.spool, [made], work_dir, lambda _kind: ("district",))
        readings = tuple(box.studies.readings(study.key))
        box.told.rendered[study.key] = RenderedReport(version, readings, "{}", urgent)
        if committed:
            replaces = SentResults(box.journal).newest(study.key)
            superseded = box.studies.commit_report(
                CommittedReport(
                    study_key=study.key,
                    version=version,
                    changes=study.changes,
                    closing=True,
                    worklist_row="{}",
                    urgent=urgent,
                    deliveries=owed,
                    is_sent=True,
                    replaces=frozenset(one.sop_instance_uid for one in replaces),
                )
            )
            assert superseded is not None, "nothing was sent meanwhile"
            for name in superseded:
                box.spool.remove(name)

    # ------------------------------------------------------------ sending

    @rule()
    def send(self) -> None:
        self.box.send()

    @rule(
        mishaps=st.lists(st.sampled_from((CutAnswer(), Reset(10), Answer(503), Answer(500), Answer(200))), max_size=4)
    )
    def send_over_a_bad_link(self, mishaps: list[CutAnswer | Reset | Answer]) -> None:
        self.box.proxy.plan(*mishaps)
        self.box.send()
        self.box.send()

    @rule()
    def be_refused(self) -> None:
        """The district refuses all that it does not hold, each with a reason of its own."""
        self.box.proxy.always(
            lambda exchange: (
                replace(REFUSED, body=REFUSED.body % exchange.sop_instance_uids[0].encode())
                if exchange.method == "POST"
                else None
            )
        )
        self.box.send()
        self.box.proxy.always(lambda _exchange: None)

    @rule(pick=st.integers(0, MOST_PICKED), what=st.sampled_from(("retry", "dismiss")))
    def decide_on_a_refused_one(self, pick: int, what: str) -> None:
        refused = self.box.deliveries.listed("refused")
        if refused:
            one = refused[pick % len(refused)]
            (self.box.commands.retry if what == "retry" else self.box.commands.dismiss)([one.id])

    @rule(pick=st.integers(0, MOST_PICKED))
    def read_one_again(self, pick: int) -> None:
        listed = self.box.instances.listed()
        if listed:
            self.box.commands.retry([listed[pick % len(listed)].id])
            self.box.commands.reread([listed[pick % len(listed)].study_key])

    # ------------------------------------------------------------ time

    @rule(days=st.integers(1, 3))
    def let_days_pass(self, days: int) -> None:
        known = set(self.before.instances)
        self.box.days_pass(days)
        now = look(self.box)
        self.box.told.forgotten |= known - now.instances.keys()
        for key in set(self.before.study_of.values()) - set(now.study_of.values()):
            self.box.told.rendered.pop(key, None)

    @rule()
    def scrub(self) -> None:
        self.box.scrub_all()

    # ------------------------------------------------------------ disks and journals

    @rule(pick=st.integers(0, MOST_PICKED), lost=st.booleans())
    def spoil_a_file(self, pick: int, lost: bool) -> None:
        listed = self.box.instances.listed()
        if not listed:
            return
        one = listed[pick % len(listed)]
        path = self.box.spool.path(one.spool_name)
        is_whole = path.exists() and one.id not in self.box.told.spoiled  # the same damage twice would be none
        self.box.told.spoiled.add(one.id)
        if lost:
            path.unlink(missing_ok=True)
        elif is_whole:
            content = bytearray(path.read_bytes())
            content[len(content) // 3] ^= 0xFF
            path.write_bytes(content)

    @rule()
    def copy_the_journal(self) -> None:
        path = self.folder / f"copy-{len(self.copies)}.sqlite"
        self.box.journal.copy_to(path)
        self.copies.append((path, set(self.before.instances)))

    @rule(killed=st.booleans(), fate=st.sampled_from(("kept", "lost", "an older copy")))
    def restart(self, killed: bool, fate: str) -> None:
        """With the journal as it was, without it, or with an older one."""
        if fate == "kept" or (fate != "lost" and not self.copies):
            self._restart(killed=killed)
            return
        known, spoiled = identities(self.box), set(self.box.told.spoiled)
        self._end(killed=killed)
        self.box.told.journal_replaced = True
        if fate == "lost":
            self.box.lose_journal()
            self.box.open()
            self.box.told.destroyed |= spoiled
            the_journal_from_the_spool_has_the_same_instances(known, identities(self.box), spoiled)
        else:
            self._put_back(spoiled)

    def _put_back(self, spoiled: set[str]) -> None:
        """Files that an older copy does not know come back; rows of what was forgotten since find no file."""
        path, known = self.copies[-1]
        self.box.put_back_journal(path)
        self.box.open()
        self.box.told.destroyed |= spoiled - known
        self.box.told.spoiled |= self.box.told.forgotten & known
        self.box.told.forgotten -= known

    def _restart(self, *, killed: bool) -> None:
        self._end(killed=killed)
        self.box.open()

    def _end(self, *, killed: bool) -> None:
        if killed:
            self.box.kill()
        else:
            self.box.stop()

    # ------------------------------------------------------------ deaths in the midst of something

    @rule(
        amid=st.sampled_from(
            ("an arrival", "an admission", "an attempt", "the end of an attempt", "a delivery", "forgetting")
        )
    )
    def die(self, amid: str) -> None:
        match amid:
            case "an arrival":
                (self.box.spool.incoming / new_id()).write_bytes(b"half a film")
            case "an admission":
                self._spool_without_row()
            case "an attempt":
                self.box.readings.begin()
            case "the end of an attempt":
                self._make_without_row()
            case "a delivery":  # the district has it, and the box does not know
                self.box.proxy.plan(CutAnswer())
                self.box.now += PAST_ALL_PAUSES_SECONDS
                self.box.send_one()
            case "forgetting":
                self._put_away_without_forgetting()
        self._restart(killed=True)

    def _spool_without_row(self) -> None:
        """Nobody was told that it is kept; the start may keep it all the same."""
        new = new_instance(source="MODALITY", received_at="2026-01-01T00:00:00+00:00")
        content = _film(new.sop_instance_uid, PIXELS[0], "")
        arriving = self.box.spool.incoming / new.id
        arriving.write_bytes(content)
        new = replace(
            new,
            byte_count=len(content),
            file_digest=digest_of(BytesIO(content)),
            study=read_header(arriving).study,
            arrival=self.box.instances.last_arrival() + 1,
        )
        self.box.spool.adopt(arriving, new.spool_name, record_of(new))

    def _make_without_row(self) -> None:
        """What the reader made of a picture is in the spool already."""
        record = self.box.readings.begin()
        if record is not None and record.picture is not None:
            work_dir = self.box.spool.work_dir(record.id)
            purpose = Purpose("wrapped", record.study_key, record.id)
            made = _made(work_dir, purpose, SECONDARY_CAPTURE, record.sop_instance_uid)
            adopt(self.box.spool, [made], work_dir, lambda _kind: ("district",))

    def _put_away_without_forgetting(self) -> None:
        if listed := self.box.instances.listed():
            self.box.spool.forget([listed[0].spool_name])

    # ------------------------------------------------------------ after each event

    @invariant()
    def all_invariants_hold(self) -> None:
        self.events += 1
        for holds in INVARIANTS:
            holds(self.box, self.before)
        self.before = look(self.box)
        posts = self.box.proxy.posts
        for one in self.box.deliveries.listed("confirmed", limit=1000):
            self.box.told.confirmed.setdefault(one.sop_instance_uid, posts[one.sop_instance_uid])


def _film(uid: str, pixels: bytes, study: str) -> bytes:
    made = secondary_capture(
        0, SOPInstanceUID=uid, StudyInstanceUID=study or None, SeriesInstanceUID="2.25.80", PixelData=pixels * 2
    )
    made["PixelData"].VR = "OB"
    return part10_bytes(made)


def _result(job: ReadJob, state: str, same: bool) -> ReadResult:
    """What a reader says; of a picture it made an object."""
    produced: tuple[ProducedObject, ...] = ()
    if job.picture is not None:
        purpose = Purpose("wrapped", job.study_key, job.instance_id)
        produced = (_made(job.work_dir, purpose, SECONDARY_CAPTURE, job.sop_instance_uid),)
    same_as = job.same_uid[0].instance_id if same and state == "read" and job.same_uid else None
    return ReadResult.model_validate(
        {
            "instance_id": job.instance_id,
            "state": state,
            "reading": reading_of(job.instance_id),
            "produced": produced,
            "same_as": same_as,
        }
    )


def _made(work_dir: Path, purpose: Purpose, sop_class_uid: str, sop_instance_uid: str) -> ProducedObject:
    """An object as a reader leaves it."""
    name = f"{new_id()}.dcm"
    made = secondary_capture(0, SOPClassUID=sop_class_uid, SOPInstanceUID=sop_instance_uid, PixelData=b"\1\2")
    made["PixelData"].VR = "OB"
    with (work_dir / name).open("w+b") as stream:
        stream.write(part10_bytes(made))
        return finish(stream, name, purpose, sop_class_uid, sop_instance_uid, mint_uid())
