"""Tells a modality the result of a storage commitment, over an association of our own (PS3.4 Section J.3.3).

The Event Information comes on standard input, in explicit VR little endian. Prints one line of JSON: {"reason": ""}
when the modality took the report, else why not, without patient data.
"""

import argparse
import json
import logging
import sys
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role
from pynetdicom.association import Association
from pynetdicom.dsutils import decode

from leapfrog.dicom.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE
from leapfrog.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from leapfrog.processes.parent import end_with_parent

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
SUCCESS = 0x0000


def main(arguments: list[str]) -> None:
    """Make the call."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--calling", required=True, help="our AE title")
    parser.add_argument("--called", required=True, help="the modality's AE title")
    parser.add_argument("--event-type", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args(arguments)
    end_with_parent(options.parent)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it would print identifiers
    report = decode(BytesIO(sys.stdin.buffer.read()), False, True)
    print(json.dumps({"reason": _tell(options, report)}))  # noqa: T201


def _tell(options: argparse.Namespace, report: Dataset) -> str:
    association = _associate(options)
    if association.is_rejected:
        return "It rejected the association: it may not know this box's AE title."
    if not association.is_established:
        return "It cannot be reached."
    try:
        return _report(association, options.event_type, report)
    finally:
        if association.is_established:
            association.release()


def _associate(options: argparse.Namespace) -> Association:
    entity = AE(ae_title=options.calling)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.connection_timeout = CONNECT_SECONDS
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    entity.add_requested_context(PUSH_MODEL, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    # The one that calls is the SCU unless it asks for the other role (PS3.7 Section D.3.3.4).
    role = build_role(PUSH_MODEL, scp_role=True)
    return entity.associate(options.host, options.port, ae_title=options.called, ext_neg=[role])


def _report(association: Association, event_type: int, report: Dataset) -> str:
    if not association.accepted_contexts:
        return "It does not take reports of storage commitment at this address."
    # Also where it did not answer the role selection: many modalities do not, and yet take the report (dcm4che#463).
    status, _ = association.send_n_event_report(report, event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    if "Status" not in status:
        return "It did not answer the report."
    return "" if status.Status == SUCCESS else f"It answered the report with status 0x{status.Status:04X}."


if __name__ == "__main__":
    main(sys.argv[1:])
