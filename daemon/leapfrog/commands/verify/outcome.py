"""What came of a check, for a person and for a program."""

from dataclasses import dataclass, field
from typing import Any, Literal

from leapfrog.signed_summary.signing import Verdict
from leapfrog.signed_summary.summary import Summary

# Whether the number that was named is the one that the exam came with; "not compared" where none was named.
Patient = Literal["same", "another", "no number", "not compared"]
FileState = Literal["whole", "changed", "missing", "elsewhere", "unlisted"]


@dataclass(frozen=True)
class Outcome:
    """Whether it can be trusted, and what there is to say. A report that is not signed, and a photo without a code,
    have no verdict.
    """

    kind: Literal["code", "report"]
    trusted: bool
    lines: tuple[str, ...]
    verdict: Verdict | None = None
    station: str = ""
    key: str = ""
    patient: Patient = "not compared"
    summary: Summary | None = None
    files: dict[str, FileState] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog verify --json`."""
        summary = self.summary.model_dump(mode="json", exclude={"number"}) if self.summary else None
        return {
            "kind": self.kind,
            "trusted": self.trusted,
            "verdict": self.verdict,
            "station": self.station,
            "key": self.key,
            "patient": self.patient,
            "summary": summary,
            "files": self.files,
            "sentences": list(self.lines),
        }
