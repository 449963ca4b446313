"""What readers made becomes what is owed: from a job's work directory into the spool."""

from collections.abc import Sequence
from pathlib import Path

from leapfrog.processes.messages import ProducedObject, ProducedRole
from leapfrog.state.journal import new_id
from leapfrog.state.records import DeliveryKind, NewDelivery
from leapfrog.state.spool import Spool

DELIVERED_AS: dict[ProducedRole, DeliveryKind] = {
    "wrapped": "original",
    "forward_copy": "original",
    "report_pdf": "report_pdf",
    "overlay": "overlay",
}


def adopt(spool: Spool, produced: Sequence[ProducedObject], work_dir: Path) -> tuple[NewDelivery, ...]:
    """Move what a reader made, and made durable, into the spool, and name what is owed with it.

    Raises StorageError when the disk does not take it.
    """
    deliveries = []
    moves = []
    for item in produced:
        delivery_id = new_id()
        spool_name = f"{delivery_id}.dcm"
        moves.append((work_dir / item.name, spool_name))
        deliveries.append(
            NewDelivery(
                id=delivery_id,
                kind=DELIVERED_AS[item.role],
                sop_class_uid=item.sop_class_uid,
                sop_instance_uid=item.sop_instance_uid,
                spool_name=spool_name,
                byte_count=item.byte_count,
            )
        )
    spool.adopt_all(moves)
    return tuple(deliveries)
