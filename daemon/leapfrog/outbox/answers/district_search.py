"""Asks one DICOMweb server what it holds of exams: QIDO-RS, and WADO-RS for a document (PS3.18 sections 10.4 and 10.6).

A question names 40 studies at once and is answered, packed, with about 45 bytes for each (Orthanc): how many instances
it holds of each study. Only where that number changed is a study looked through. Whatever it answers, no study counts
that was not asked about.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from typing import BinaryIO
from urllib.parse import urlencode

from leapfrog.answers.document import PatientNumber
from leapfrog.answers.judgement import CLASSES
from leapfrog.dicom.uids import is_forwardable_uid
from leapfrog.errors import DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import Answer, content_type_of, parse_listing
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.retrieved import ANY_TRANSFER_SYNTAX, strip_multipart
from leapfrog.outbox.destinations.dicomweb.status import not_dicomweb_message, raise_for_link
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import DestinationSettings
from leapfrog.state.answers import ListedDocument

STUDIES_AT_ONCE = 40  # in an address of 2.7 kB; servers take 8 kB
LISTING_BYTES = 1_048_576  # of an unpacked answer; a study takes about 1 kB
LARGEST_DOCUMENT_BYTES = 16 * 1024**2  # a PDF of 20 scanned pages takes about 5 MB
MOST_SERIES = 20  # of documents, of one study, that are looked into
JSON = "application/dicom+json"

SOP_CLASS_UID, SOP_INSTANCE_UID = "00080016", "00080018"
MODALITY = "00080060"
PATIENT_ID, ISSUER = "00100020", "00100021"
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = "0020000D", "0020000E"
INSTANCES_OF_STUDY = "00201208"
DOCUMENTS = frozenset(("SR", "DOC", "OT", ""))  # modalities of series in which a document may be
NOTHING_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class DistrictSearch:
    """One server. For one thread; only `cut` may be called from another. Its questions raise DistrictUnreachable when
    no DICOMweb server answers, DistrictLocked when it does not let this box in.
    """

    def __init__(
        self,
        settings: DestinationSettings,
        throttle: Throttle,
        progress: Callable[[], None],
        timeouts: Timeouts | None = None,
    ) -> None:
        """`throttle` slows down what is fetched; `progress` is called whenever bytes are about to move, and a
        LeapfrogError that it raises ends the transfer.
        """
        self._exchanges = Exchanges(settings, Pace(throttle, progress), timeouts or Timeouts())
        self._throttle = throttle
        self._one_by_one = False  # it was found to take one study in a question
        self._by_class: bool | None = None  # whether it can be asked for the classes of documents; None: not known

    def cut(self) -> None:
        """Break off what is running, and allow no other question. Any thread may call it."""
        self._exchanges.cut()

    def close(self) -> None:
        """Close the connection."""
        self._exchanges.close()

    def counts(self, study_instance_uids: Sequence[str]) -> Mapping[str, int | None]:
        """How many instances it holds of each of these studies, at most STUDIES_AT_ONCE; None where it does not say.
        Those of which it holds nothing are left out.
        """
        found: dict[str, int | None] = {}
        groups = [[uid] for uid in study_instance_uids] if self._one_by_one else [list(study_instance_uids)]
        for group in groups:
            listed = self._list("/studies", {"StudyInstanceUID": ",".join(group), "limit": str(2 * len(group))})
            for study in listed or ():
                uid = study.get(STUDY_INSTANCE_UID, "")
                if uid in group:  # a patient may have changed the number between two images: then it lists both
                    found[uid] = _sum(found.get(uid, 0), study.get(INSTANCES_OF_STUDY, ""))
        if not found and len(study_instance_uids) > 1 and not self._one_by_one:
            self._one_by_one = True  # all of them arrived there once
            return self.counts(study_instance_uids)
        return found

    def documents(self, study_instance_uid: str, own: Collection[str]) -> list[ListedDocument]:
        """The documents in a study that may be answers: not those that are this box's `own`."""
        instances: Sequence[dict[str, str]] = ()
        if self._by_class is not False:
            query = {"SOPClassUID": ",".join(sorted(CLASSES))}
            try:
                instances = self._list(f"/studies/{study_instance_uid}/instances", query) or ()
            except DistrictUnreachable:
                if self._by_class:  # then nothing is known: whoever lists nothing says that all were removed
                    raise
            self._by_class = True if instances else self._by_class
        if not self._by_class:
            instances = [one for one in self._by_series(study_instance_uid) if one.get(SOP_CLASS_UID) in CLASSES]
            self._by_class = False if instances else self._by_class
        return [
            ListedDocument(sop_class_uid=sop_class, sop_instance_uid=uid, series_instance_uid=series)
            for one in instances
            if (sop_class := one.get(SOP_CLASS_UID, "")) in CLASSES
            and is_forwardable_uid(uid := one.get(SOP_INSTANCE_UID, ""))
            and is_forwardable_uid(series := one.get(SERIES_INSTANCE_UID, ""))
            and uid not in own
        ]

    def _by_series(self, study_instance_uid: str) -> Iterator[dict[str, str]]:
        """The instances of those series of a study that may hold documents."""
        study = f"/studies/{study_instance_uid}"
        uids = dict.fromkeys(
            uid
            for one in self._list(f"{study}/series", {}) or ()
            if one.get(MODALITY, "") in DOCUMENTS and is_forwardable_uid(uid := one.get(SERIES_INSTANCE_UID, ""))
        )
        for uid in list(uids)[:MOST_SERIES]:
            for instance in self._list(f"{study}/series/{uid}/instances", {}) or ():
                yield {**instance, SERIES_INSTANCE_UID: uid}

    def filed_as(self, study_instance_uid: str, sop_instance_uid: str) -> PatientNumber | None:
        """The number under which it holds an instance that this box sent; None where it does not say."""
        query = {"SOPInstanceUID": sop_instance_uid, "includefield": f"{PATIENT_ID},{ISSUER}"}
        for instance in self._list(f"/studies/{study_instance_uid}/instances", query) or ():
            if instance.get(SOP_INSTANCE_UID) == sop_instance_uid and instance.get(PATIENT_ID):
                return PatientNumber(number=instance[PATIENT_ID][:256], issuer=instance.get(ISSUER, "")[:256])
        return None

    def fetch(self, study_instance_uid: str, document: ListedDocument, stream: BinaryIO) -> bool:
        """Write the document into `stream`. Returns whether the server gave one.

        Raises DistrictUnclear too, when its answer broke off or is larger than any document; OSError when `stream`
        cannot be written.
        """
        series = f"/studies/{study_instance_uid}/series/{document.series_instance_uid}"
        path = f"{series}/instances/{document.sop_instance_uid}"
        sink = _Paced(stream, self._throttle)
        answer = self._exchanges.download(path, ANY_TRANSFER_SYNTAX, sink, LARGEST_DOCUMENT_BYTES)  # type: ignore[arg-type]
        raise_for_link(answer)
        return answer.status == HTTPStatus.OK and strip_multipart(stream)

    def _list(self, path: str, query: Mapping[str, str]) -> tuple[dict[str, str], ...] | None:
        """What it lists; None where there is no such study."""
        body = BytesIO()
        asked = f"{path}?{urlencode(query, safe=',')}" if query else path
        try:
            answer = self._exchanges.download(asked, JSON, body, LISTING_BYTES)
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        raise_for_link(answer)
        if answer.status in NOTHING_THERE:
            return None
        listed = parse_listing(body.getvalue(), content_type_of(answer.headers))
        if answer.status == HTTPStatus.NO_CONTENT or (answer.status == HTTPStatus.OK and listed == ()):
            return None
        if answer.status != HTTPStatus.OK or listed is None:
            raise DistrictUnreachable(not_dicomweb_message(Answer(answer.status, answer.headers)))
        return listed


class _Paced:
    """A stream that takes no more bytes per second than the settings allow: the network waits meanwhile."""

    def __init__(self, stream: BinaryIO, throttle: Throttle) -> None:
        self._stream = stream
        self._throttle = throttle

    def write(self, part: bytes, /) -> int:
        self._throttle.take(len(part))
        return self._stream.write(part)


def _sum(before: int | None, count: str) -> int | None:
    if before is None or not (count.isascii() and count.isdecimal() and len(count) < 9):
        return None
    return before + int(count)
