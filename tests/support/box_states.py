"""A box's state as it travels, for whoever reads one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.fleet.box_state import BoxState
from leapfrog.fleet.signed_state import sign_state

MADE_AT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def a_box_state(**values: Any) -> BoxState:
    """A state in which all is well; `values` replace its fields."""
    week = {"exams": 40, "urgent": 6, "not_assessed": 3, "answered": 9, "differing": 1}
    said: dict[str, Any] = {
        "box": "Clinic Hill",
        "made_at": MADE_AT,
        "sequence": 1_000_000,
        "version": "0.1.0",
        "uptime_seconds": 86_400,
        "owed": {"district": {"count": 3, "bytes": 12_000_000, "oldest_seconds": 3600}},
        "instances": {"received": 0, "read": 120, "set_aside": 1, "forward_only": 4},
        "device": {"what": "edgetpu", "since": MADE_AT - timedelta(days=1)},
        "disks": [{"what": "the state directory", "free_bytes": 40_000_000_000, "total_bytes": 64_000_000_000}],
        "clock": {"synchronised": True, "now": MADE_AT},
        "certificates": [{"what": "district.client_certificate", "ends_at": MADE_AT + timedelta(days=300)}],
        "models": [{"name": "chest-findings", "version": "1.0.0", "demonstration": True}],
        "exams_per_day": [{"day": "2026-11-29", "exams": 12}, {"day": "2026-11-30", "exams": 2}],
        "weeks": [{"week": "2026-W48", **week}, {"week": "2026-W49", **week}],
        "attention": [{"what": "A disk is nearly full.", "since": MADE_AT}],
    }
    return BoxState.model_validate(said | values)


def signed_by(key: Ed25519PrivateKey, state: BoxState) -> bytes:
    """The file of `state`, signed by `key`."""
    return sign_state(state, key.public_key().public_bytes_raw(), key.sign)
