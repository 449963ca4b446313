"""Moves the objects that a reader produced from its work directory into the spool, as deliveries."""

from collections.abc import Callable, Sequence
from pathlib import Path

from leapfrog.processes.messages import ProducedObject
from leapfrog.state.journal import new_id
from leapfrog.state.records import DELIVERED_AS, DeliveryKind, NewDelivery
from leapfrog.state.spool import Spool


def adopt(
    spool: Spool,
    produced: Sequence[ProducedObject],
    work_dir: Path,
    recipients: Callable[[DeliveryKind], tuple[str, ...]],
) -> tuple[NewDelivery, ...]:
    """Move `produced`, which the reader has made durable, into the spool. Returns a delivery for each object that has
    `recipients`, to these.

    Raises StorageError when the disk fails or is full.
    """
    deliveries = []
    moves = []
    for produced_object in produced:
        kind = DELIVERED_AS[produced_object.role]
        destinations = recipients(kind)
        if not destinations:
            continue
        delivery_id = new_id()
        spool_name = f"{delivery_id}.dcm"
        moves.append((work_dir / produced_object.name, spool_name))
        deliveries.append(
            NewDelivery(
                id=delivery_id,
                kind=kind,
                destinations=destinations,
                sop_class_uid=produced_object.sop_class_uid,
                sop_instance_uid=produced_object.sop_instance_uid,
                spool_name=spool_name,
                byte_count=produced_object.byte_count,
                file_digest=produced_object.digest,
            )
        )
    spool.adopt_all(moves)
    return tuple(deliveries)
