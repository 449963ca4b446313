"""What `leapfrog verify` is given: the text of a code, and a report.json with its signature."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzzing import scratch
from fuzzing.target import Target, require
from leapfrog.commands.stations import KnownStations
from leapfrog.commands.verify.code import verify_code
from leapfrog.commands.verify.report import verify_report
from leapfrog.errors import NotASummary
from leapfrog.signed_summary.code_text import LONGEST_TEXT, parsed, written
from leapfrog.signed_summary.signing import key_id, signed_text
from leapfrog.signed_summary.summary import GradedFinding, HashedNumber, ModelSummary, Summary

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
KNOWN = KnownStations({key_id(PUBLIC): PUBLIC}, {key_id(PUBLIC): "Kitgum"})
SUMMARY = Summary(
    exam_number="K7-42F",
    report_version=2,
    date="2026-11-03",
    notes=("DEMO",),
    models=(
        ModelSummary(
            model="CHEST-FINDINGS 0.1.0",
            findings=(GradedFinding(grade="URGENT", name="EDEMA"), GradedFinding(grade="NOT FLAGGED", name="NODULE")),
        ),
    ),
    left_out=3,
    number=HashedNumber(salt=b"salt!", digest=b"hash!"),
)
TEXT = signed_text(SUMMARY, PUBLIC, KEY.sign)


def check(content: bytes) -> None:
    """The first byte says whether the others are a text or a report.json."""
    is_report, content = (content or b"\0")[0] & 1, content[1:]
    if is_report:
        outcome = verify_report(scratch.written("report.json", content), content, None, KNOWN)
        require(outcome is None or not outcome.trusted, "A report is trusted that nobody signed.")
        return
    text = content.decode("latin-1")
    outcome = verify_code(text, None, KNOWN)
    same = "".join(text.split("\n")).replace("\r", "").strip().upper() == TEXT
    require(outcome.trusted or not same, "A text that is true is not trusted.")
    # A text that was copied may have anything between its letters; what is trusted is only what was signed.
    require(not outcome.trusted or outcome.summary == SUMMARY, "A text is trusted that nobody signed.")
    try:
        summary = parsed(text)
        again = written(summary, 0)
    except NotASummary as problem:
        require(str(problem).endswith("."), "What a person is told is no sentence.")
        return
    require(len(again) <= LONGEST_TEXT, "A summary is longer than a code.")


def seeds() -> dict[str, bytes]:
    """A true text, texts with a fault, and reports."""
    plain = TEXT.encode()
    unsigned = TEXT.rpartition(":KEY ")[0].encode()
    report = b'{"artefacts": [{"name": "%s", "sha256": ""}], "study": {"patient_id": "1"}, "exam_number": "K7-42F"}'
    return {
        "a true text": b"\0" + plain,
        "a summary without key and signature": b"\0" + unsigned,
        "one that was cut": b"\0" + plain[:90],
        "a finding without a model": b"\0LEAPFROG 1:EXAM K7-42F V1:URGENT EDEMA",
        "another format": b"\0LEAPFROG 9:EXAM K7-42F",
        "a report": b"\1" + report % b"report.html",
        "a report of a file elsewhere": b"\1" + report % b"../../etc/passwd",
        "a report that is nested": b"\1" + b'{"artefacts":' + b"[" * 3000,
    }


TARGET = Target(
    name="signed",
    invariant=(
        "Whatever text or report.json is given, it has an answer; nothing is trusted but the very text that a known"
        " station signed; and a summary that is read can be written again."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.signed_summary", "leapfrog.commands.verify"),
    longest_bytes=1024,
)
