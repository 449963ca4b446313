"""A C-STORE whose data set passes through piece by piece (PS3.7 Section 9.1.1).

pynetdicom would hold the whole of it, in its queue to the network at the latest. Here, the queue never has more than a
few fragments, and the bytes go out as they came, without being decoded.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.pdu_primitives import P_DATA

from leapfrog.dimse.failure import CallFailed
from leapfrog.processes.call_messages import Store

MOST_QUEUED = 1  # fragments that wait for the network
LOOK_SECONDS = 0.002
LARGEST_FRAGMENT_BYTES = 16_384
HEADER_BYTES = 6  # of a presentation data value, which counts as part of what a PDU may have
MORE, LAST = b"\x00", b"\x02"  # message control header of a fragment of a data set (PS3.8 Annex E.2)
OPEN = "Sta6"  # of the state machine of PS3.8 Section 9.2: ready for data transfer


def send_c_store(
    association: Association, store: Store, pieces: Iterable[bytes], message_id: int, make_room: Callable[[], None]
) -> Dataset:
    """Send what `pieces` consist of as the data set of `store`. `make_room` waits until the link takes more. Returns
    the status, empty when there is no answer.

    Raises CallFailed when the connection breaks, and what `pieces` raises, after which the association is of no use.
    """
    with _streaming(association, pieces, make_room):
        return association.send_c_store(_stand_in(store), msg_id=message_id)


def _stand_in(store: Store) -> Dataset:
    """All that pynetdicom looks at to choose the context."""
    syntax = UID(store.transfer_syntax_uid)
    if not syntax.is_transfer_syntax:  # a manufacturer's own: nothing here is decoded, so that any encoding will do
        syntax.set_private_encoding(False, True)
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = store.sop_class_uid, store.sop_instance_uid
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


@contextmanager
def _streaming(association: Association, pieces: Iterable[bytes], make_room: Callable[[], None]) -> Iterator[None]:
    def send(primitive: Any, context_id: int) -> None:
        message = C_STORE_RQ()
        message.primitive_to_message(primitive)
        message.context_id = context_id
        message.data_set = BytesIO()  # the command says that there is one, and it follows
        for fragment in message.encode_msg(context_id, association.dimse.maximum_pdu_size):
            _put(association, fragment)
        for control, content in _fragments(pieces, association.dimse.maximum_pdu_size):
            data = P_DATA()
            data.presentation_data_value_list.append((context_id, control + content))
            make_room()
            _put(association, data)

    association.dimse.send_msg = send  # type: ignore[method-assign]
    try:
        yield
    finally:
        del association.dimse.send_msg


def _fragments(pieces: Iterable[bytes], maximum_pdu_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    longest = min(maximum_pdu_bytes or LARGEST_FRAGMENT_BYTES, LARGEST_FRAGMENT_BYTES) - HEADER_BYTES & ~1
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) > longest:
            yield MORE, bytes(gathered[:longest])
            del gathered[:longest]
    yield LAST, bytes(gathered)


def _put(association: Association, fragment: P_DATA) -> None:
    service = association.dul
    while service.to_provider_queue.qsize() >= MOST_QUEUED and _is_open(association):
        time.sleep(LOOK_SECONDS)
    if not _is_open(association):
        raise CallFailed("broken")
    service.send_pdu(fragment)


def _is_open(association: Association) -> bool:
    return bool(association.dul.is_alive() and association.dul.state_machine.current_state == OPEN)
