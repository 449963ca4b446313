"""The part of step 3 that SQL cannot do: turns a study's summary (version 2) into its worklist line (version 3)."""

import json
from typing import Any

from leapfrog.wording.text import NOT_GIVEN, clean, count, moment, or_not_given, person_name

LONGEST_DETAIL = 160  # characters
NOBODY = {"patient_name": "", "patient_id": "", "study_description": ""}
NOTHING_KNOWN = {
    "kind": "not_assessed",
    "headline": "",
    "detail": "",
    "urgent": False,
    "phantom": False,
    "identity": NOBODY,
    "modalities": [],
    "body_parts": [],
    "images": 0,
    "not_assessed": 0,
}


def as_worklist_row(summary: str, received_at: str) -> str:
    """The worklist line for a summary. Both are JSON; `received_at` is ISO 8601."""
    facts: dict[str, Any] = {**NOTHING_KNOWN, **json.loads(summary)}
    identity = {**NOBODY, **facts["identity"]}
    missing = facts["not_assessed"]
    quiet = facts["kind"] != "not_assessed"
    return json.dumps(
        {
            "patient": person_name(identity["patient_name"]) or NOT_GIVEN,
            "patient_id": or_not_given(identity["patient_id"]),
            "exam": or_not_given(
                " ".join([*facts["modalities"], *facts["body_parts"]]) or identity["study_description"]
            ),
            "received": moment(received_at),
            "kind": facts["kind"],
            "headline": clean(facts["headline"]),
            "detail": "" if quiet else clean(facts["detail"], LONGEST_DETAIL),
            "urgent": facts["urgent"],
            "phantom": facts["phantom"],
            "images": count(facts["images"], "image") + (f", {missing} not assessed" if missing and quiet else ""),
        },
        ensure_ascii=False,
    )
