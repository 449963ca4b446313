"""A clinic: a real box, what its modalities sent, and what of it is owed."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from end_to_end.whole_district.exams import Exam
from support import dcmtk
from support.kiosk import Kiosk
from support.waiting import wait_until

# What storescu proposes for files of each transfer syntax.
PROPOSALS: dict[str, tuple[str, ...]] = {
    ExplicitVRLittleEndian: (),
    ImplicitVRLittleEndian: (),
    JPEGBaseline8Bit: ("-xy",),
    JPEG2000: ("-xw",),
}
IN_THE_MIDST_SECONDS = 120.0
TLS_ON_A_BOX = "/etc/leapfrog/tls/"


@dataclass(frozen=True)
class Progress:
    """How many deliveries arrived, are owed (refused ones too), and were replaced by later ones."""

    confirmed: int
    owed: int
    superseded: int


class Clinic:
    """One box and its modalities. `behind` is what they are put behind where their network is another."""

    def __init__(self, name: str, issuer: str, directory: Path, behind: Sequence[str] = ()) -> None:
        """Nothing runs yet."""
        self.name = name
        self.issuer = issuer
        self.exams: list[Exam] = []
        self.kiosk = Kiosk(directory)
        self.kiosk.wrapper = behind
        self._behind = behind

    def configure(self, told: str, **sections: dict[str, Any]) -> None:
        """Write the settings: what the district has told this box, with its own `sections` over that."""
        settings = tomllib.loads(told.replace(TLS_ON_A_BOX, f"{self.kiosk.directory}/"))
        own: dict[str, dict[str, Any]] = {
            "station": {"name": self.name, "state_dir": str(self.kiosk.directory / "state")},
            "report": {"quiet_seconds": 0.5},
        }
        for part in (own, sections):
            for section, keys in part.items():
                settings.setdefault(section, {}).update(keys)
        self.kiosk.configure(**settings)

    def send(self, exams: Sequence[Exam]) -> None:
        """Store the exams with storescu, one association for each transfer syntax."""
        self.exams += exams
        for syntax in sorted({exam.transfer_syntax_uid for exam in exams}):
            files = [exam.path for exam in exams if exam.transfer_syntax_uid == syntax]
            sent = dcmtk.store(self.kiosk.port, files, *PROPOSALS[syntax], behind=self._behind)
            assert sent.succeeded, sent.text
            assert len(sent.acknowledged) == len(files), sent.text

    def progress(self) -> Progress:
        """Of what goes to the district."""
        states = Counter(
            dict(self.kiosk.rows("SELECT state, count(*) FROM deliveries WHERE kind <> 'print' GROUP BY state"))
        )
        return Progress(states["confirmed"], states["waiting"] + states["refused"], states["superseded"])

    def kill_in_the_midst(self, query: str) -> None:
        """kill -9 the daemon, as soon as a row of the journal answers the query, and start it again."""
        wait_until(
            lambda: self.kiosk.rows(query), f"{self.name} is in the midst", deadline_seconds=IN_THE_MIDST_SECONDS
        )
        self.kiosk.kill()
        assert self.kiosk.rows(query), "it was killed in the midst"
        self.kiosk.start()

    def confirmed(self) -> set[str]:
        """The SOP Instance UIDs that count as being at the district."""
        return self._uids("state = 'confirmed'")

    def replaced(self) -> set[str]:
        """Those of results that a later report replaced before they were confirmed; a stick may have brought them."""
        return self._uids("state = 'superseded'")

    def current(self) -> set[str]:
        """Those of every original, and of the newest result of each kind of each exam."""
        newest = "SELECT max(sequence) FROM deliveries GROUP BY study_key, kind, instance_id"
        return self._uids(f"state <> 'superseded' AND sequence IN ({newest})")

    def _uids(self, condition: str) -> set[str]:
        rows = self.kiosk.rows(f"SELECT sop_instance_uid FROM deliveries WHERE kind <> 'print' AND {condition}")
        return {uid for (uid,) in rows}
