"""Boxes that send a night's results and originals, each with the client of a real box, and what they saw. Runs inside
the district's machine: `python -m district.night`, with the plan on stdin. Prints how far it is, and the outcome last.
"""

import hashlib
import json
import random
import sys
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom

from district.parcels import Parcel, Place, new_place, new_uid, source_under
from leapfrog.errors import DistrictError
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.settings.destinations import DestinationSettings

ISSUED = Path("/etc/leapfrog-district/authority/issued")
DISTRICT = "https://127.0.0.1/dicom-web"
FIRST_WAIT, LONGEST_WAIT = 0.2, 3.0  # seconds after a failure; a real box waits 5 s and longer
REPORT_SECONDS = 0.25
GIVE_UP_SECONDS = 600.0
READERS = 4


@dataclass(frozen=True)
class Plan:
    """`boxes` by name; of `exams` of each, the results of a third become due while the rest is sent, within `seconds`.
    `asked` is an Orthanc that is asked afterwards.
    """

    boxes: tuple[str, ...]
    exams: int
    seconds: float
    parcels: tuple[Parcel, ...]
    asked: str
    seed: int = 1

    def message(self) -> str:
        """For another process."""
        return json.dumps({**asdict(self), "parcels": [parcel.message() for parcel in self.parcels]})

    @staticmethod
    def of(message: str) -> "Plan":
        """The same plan there."""
        values: dict[str, Any] = json.loads(message)
        values["parcels"] = tuple(Parcel(one["kind"], Path(one["path"])) for one in values["parcels"])
        return Plan(**{**values, "boxes": tuple(values["boxes"])})


@dataclass
class Delivery:
    """One object that a box owes. Times are in seconds since the night began."""

    parcel: Parcel
    sop_instance_uid: str
    place: Place
    due: float
    tries: int = 0
    confirmed: float | None = None

    @property
    def waits_long(self) -> bool:
        """Whether it was there from the start, with everything else."""
        return self.due == 0


@dataclass
class Outcome:
    """What the boxes saw, and what the district holds afterwards."""

    seconds: float
    byte_count: int
    patients: int
    confirmed_at: list[float]
    latencies: list[tuple[float, float]]  # of results that became due meanwhile: when, and for how long
    resent: int
    unconfirmed: int
    lost: int
    twice: int
    changed: int
    patients_held: int
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        """That were owed."""
        return len(self.confirmed_at) + self.unconfirmed


class Box:
    """One box. It sends what is due, results first, and asks whether it arrived."""

    def __init__(self, name: str, plan: Plan, chance: random.Random) -> None:
        """Nothing is sent yet."""
        folder = ISSUED / name
        destination = DestinationSettings(
            name="district",
            url=DISTRICT,
            ca_file=folder / "district-ca.pem",
            client_certificate=folder / "client.pem",
            client_key=folder / "client.key",
        )
        self._client = StowClient(destination, Pace(Throttle(0, time.sleep), lambda: None))
        self.deliveries: list[Delivery] = []
        self.failures: Counter[str] = Counter()
        results = [parcel for parcel in plan.parcels if parcel.kind == "result"]
        originals = [parcel for parcel in plan.parcels if parcel.kind == "original"]
        for exam in range(plan.exams):
            due = chance.uniform(0, plan.seconds) if exam % 3 == 2 else 0.0
            place = new_place(exam)
            for parcel in (*results, chance.choice(originals)):
                where = new_place(exam, place.study_instance_uid)
                self.deliveries.append(Delivery(parcel, new_uid(), where, due))

    def send_all(self, began: float) -> None:
        """Until nothing is owed, or for ten minutes."""
        owed = list(self.deliveries)
        wait = FIRST_WAIT
        while owed and time.monotonic() - began < GIVE_UP_SECONDS:
            now = time.monotonic() - began
            due = [one for one in owed if one.due <= now]
            if not due:
                time.sleep(0.02)
                continue
            delivery = min(due, key=lambda one: (one.parcel.kind == "original", one.waits_long))
            try:
                self._attempt(delivery)
            except DistrictError as problem:
                self.failures[type(problem).__name__] += 1
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            wait = FIRST_WAIT
            delivery.confirmed = time.monotonic() - began
            owed.remove(delivery)
        self._client.close()

    def _attempt(self, delivery: Delivery) -> None:
        """As the box's own courier does: ask first if it was sent before, and again afterwards."""
        uid = delivery.sop_instance_uid
        if delivery.tries and self._client.holds(uid, lambda: None) == "held":
            return
        delivery.tries += 1
        self._client.store(source_under(delivery.parcel, uid, delivery.place), uid)
        if self._client.holds(uid, lambda: None) != "held":
            raise NotListed


class NotListed(DistrictError):
    """The district said "stored", and does not list it."""


def live_through(plan: Plan) -> Outcome:
    """Send everything, then look at what the district holds."""
    chance = random.Random(plan.seed)
    boxes = [Box(name, plan, chance) for name in plan.boxes]
    began = time.monotonic()
    threads = [threading.Thread(target=box.send_all, args=(began,)) for box in boxes]
    for thread in threads:
        thread.start()
    deliveries = [delivery for box in boxes for delivery in box.deliveries]
    while any(thread.is_alive() for thread in threads):
        print(sum(one.confirmed is not None for one in deliveries) / len(deliveries), flush=True)
        time.sleep(REPORT_SECONDS)
    confirmed = [one.confirmed for one in deliveries if one.confirmed is not None]
    held = _held(plan.asked)
    return Outcome(
        seconds=max(confirmed, default=0.0),
        byte_count=sum(one.parcel.path.stat().st_size for one in deliveries),
        patients=len(plan.boxes) * plan.exams,
        confirmed_at=sorted(confirmed),
        latencies=[
            (one.due, one.confirmed - one.due)
            for one in deliveries
            if one.parcel.kind == "result" and not one.waits_long and one.confirmed is not None
        ],
        resent=sum(one.tries > 1 for one in deliveries),
        unconfirmed=len(deliveries) - len(confirmed),
        lost=sum(one.sop_instance_uid not in held for one in deliveries if one.confirmed is not None),
        twice=sum(len(held.get(one.sop_instance_uid, ())) > 1 for one in deliveries),
        changed=_changed(plan.asked, deliveries, held),
        patients_held=_patients(plan.asked, deliveries, held),
        failures=dict(sum((box.failures for box in boxes), Counter[str]())),
    )


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=300) as answer:
        content: bytes = answer.read()
    return content


def _held(orthanc: str) -> dict[str, list[str]]:
    """The server's own names of what it holds under each SOP Instance UID."""
    found: dict[str, list[str]] = {}
    for one in json.loads(_get(f"{orthanc}/instances?expand")):
        found.setdefault(one["MainDicomTags"]["SOPInstanceUID"], []).append(one["ID"])
    return found


def _changed(orthanc: str, deliveries: list[Delivery], held: dict[str, list[str]]) -> int:
    """How many objects do not have the very pixels, or the very document, that were sent."""
    sent = {one.parcel.path: _payload(one.parcel.path.read_bytes()) for one in deliveries}

    def differs(delivery: Delivery) -> bool:
        names = held.get(delivery.sop_instance_uid)
        if not names:
            return False  # lost, which is counted elsewhere
        return _payload(_get(f"{orthanc}/instances/{names[0]}/file")) != sent[delivery.parcel.path]

    with ThreadPoolExecutor(READERS) as readers:
        return sum(readers.map(differs, deliveries))


def _payload(content: bytes) -> bytes:
    """A digest of what is looked at: of an object's pixels, its document, or what a structured report says."""
    dataset = pydicom.dcmread(BytesIO(content))
    value = dataset.get("PixelData") or dataset.get("EncapsulatedDocument")
    if value is None:
        value = "".join(item.to_json() for item in dataset.ContentSequence).encode()
    return hashlib.sha256(value).digest()


def _patients(orthanc: str, deliveries: list[Delivery], held: dict[str, list[str]]) -> int:
    """How many patients those are, to the server: each clinic has one with each number."""
    ours = {held[one.sop_instance_uid][0] for one in deliveries if one.sop_instance_uid in held}
    series = {one["ID"]: set(one["Instances"]) for one in json.loads(_get(f"{orthanc}/series?expand"))}
    studies = {one["ID"]: set(one["Series"]) for one in json.loads(_get(f"{orthanc}/studies?expand"))}
    ours_series = {name for name, instances in series.items() if instances & ours}
    ours_studies = {name for name, contained in studies.items() if contained & ours_series}
    patients = json.loads(_get(f"{orthanc}/patients?expand"))
    return sum(bool(set(one["Studies"]) & ours_studies) for one in patients)


def main() -> None:
    """The plan comes on stdin; the last line is the outcome."""
    outcome = live_through(Plan.of(sys.stdin.read()))
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
