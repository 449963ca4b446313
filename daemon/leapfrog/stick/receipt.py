"""A receipt: what the district says became of one part of a parcel. Only it confirms a delivery that went by stick.

    {"receipt": {"format": 1, "export_id": ..., "part": 1, "station_key": ..., "district": ...,
                 "confirmed": [{"delivery_id", "sha256"}], "refused": [{"delivery_id", "reason"}], "made_at": ...},
     "signature": 128 hexadecimal digits}

The district signs b"LFRECEIPT1\\n" and the canonical JSON of "receipt" (`signed_json.py`) with its key
(`district_key.py`). Nothing in a receipt tells of a patient: the ids of deliveries are random, and it holds no UIDs. It
is no secret, and may come back by any means.
"""

import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from leapfrog.district_key import DistrictPublicKey
from leapfrog.errors import NotAReceipt
from leapfrog.signed_json import canonical, parsed

SIGNED_AS = b"LFRECEIPT1\n"  # so that no signature over anything else is one over a receipt
FORMAT: Literal[1] = 1
LARGEST_RECEIPT_BYTES = 16 * 1024 * 1024  # one for a part of 100,000 objects has 13 MB; most have some kB
MOST_REASON_LETTERS = 500
SIGNATURE_DIGITS = 128

# pydantic's own patterns (Rust): their $ is the end, and no line break may follow.
ExportId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
DeliveryId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
KeyDigits = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Confirmed(_Message):
    """One delivery that the district's server holds, with the very content that has this hash."""

    delivery_id: DeliveryId
    sha256: Sha256


class Refused(_Message):
    """One delivery that the district does not take, and why, as a sentence without anything of the patient."""

    delivery_id: DeliveryId
    reason: Annotated[str, StringConstraints(max_length=MOST_REASON_LETTERS)]


class Receipt(_Message):
    """What became of one part. `station_key` is of the box that exported it, `district` that of the district which
    signed this: both raw public keys in hexadecimal digits. A delivery that stands in neither list is owed as before.
    """

    format: Literal[1] = FORMAT
    export_id: ExportId
    part: Annotated[int, Field(ge=1, le=10**9)]
    station_key: KeyDigits
    district: KeyDigits
    confirmed: tuple[Confirmed, ...]
    refused: tuple[Refused, ...]
    made_at: Annotated[str, StringConstraints(max_length=40)]

    @model_validator(mode="after")
    def _each_delivery_once(self) -> "Receipt":
        named = [one.delivery_id for one in self.confirmed] + [one.delivery_id for one in self.refused]
        if len(set(named)) != len(named):
            raise ValueError("a delivery is named twice")
        return self


def signed_receipt(receipt: Receipt, sign: Callable[[bytes], bytes]) -> bytes:
    """The file of a receipt, signed with the district's key."""
    content = receipt.model_dump(mode="json")
    document = {"receipt": content, "signature": sign(SIGNED_AS + canonical(content)).hex()}
    return json.dumps(document, sort_keys=True, indent=1).encode("ascii") + b"\n"


def read_receipt(content: bytes, district: DistrictPublicKey) -> Receipt:
    """The receipt in a file, if `district` signed it. Whether it is for this box, and for what this box exported, the
    caller has to see. Raises NotAReceipt.
    """
    if len(content) > LARGEST_RECEIPT_BYTES:
        raise NotAReceipt("This is no receipt: it is larger than any.")
    try:
        document = parsed(content)
        signature = bytes.fromhex(document["signature"]) if set(document) == {"receipt", "signature"} else b""
        signed = SIGNED_AS + canonical(document.get("receipt"))
    except (ValueError, TypeError) as problem:
        raise NotAReceipt("This is no receipt: it is damaged, or another kind of file.") from problem
    if len(signature) != SIGNATURE_DIGITS // 2:
        raise NotAReceipt("This is no receipt: it is damaged, or another kind of file.")
    if not district.signed(signed, signature):
        raise NotAReceipt(
            "The district whose key is in the settings did not sign this receipt: it was changed on the way, or is from"
            " another district."
        )
    try:
        receipt = Receipt.model_validate_json(canonical(document["receipt"]))
    except ValidationError as problem:
        raise NotAReceipt(
            "This receipt is written in a way that this version does not understand. Update Leapfrog on this box."
        ) from problem
    if receipt.district != district.verify_key.hex():
        raise NotAReceipt("This receipt says that it is of another district than the one that signed it.")
    return receipt
