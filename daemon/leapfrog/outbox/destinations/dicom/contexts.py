"""Which presentation contexts are proposed to an archive (PS3.8 Section 7.1.1.13).

Each has one transfer syntax, so that the archive says of each what it takes: of several it would choose one. What was
proposed once is proposed with every later association, so that one association serves what comes in any order.
"""

from collections.abc import Iterable

from leapfrog.dicom.uids import (
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    STUDY_ROOT_FIND,
    VERIFICATION,
)
from leapfrog.processes.call_messages import Context

MOST_CONTEXTS = 128  # their numbers are odd and have one byte
# Whoever does not take an object as it is may take it in one of these.
ALWAYS = (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)
SERVICES = tuple(
    Context(sop_class_uid=service, transfer_syntax_uid=IMPLICIT_LITTLE_ENDIAN)
    for service in (VERIFICATION, STUDY_ROOT_FIND)
)


class ContextBook:
    """The kinds of objects that one archive was offered, the latest last. For one thread."""

    def __init__(self) -> None:
        """None was yet."""
        self._offered: dict[str, frozenset[str]] = {}

    def with_object(self, sop_class_uid: str, transfer_syntax_uids: Iterable[str]) -> tuple[Context, ...]:
        """What to propose so that an object of that class can go in one of those syntaxes, or uncompressed. Of the
        others, those that were offered longest ago give way.
        """
        syntaxes = self._offered.pop(sop_class_uid, frozenset()) | {*transfer_syntax_uids, *ALWAYS}
        self._offered[sop_class_uid] = syntaxes
        while len(SERVICES) + sum(map(len, self._offered.values())) > MOST_CONTEXTS and len(self._offered) > 1:
            self._offered.pop(next(iter(self._offered)))
        return SERVICES + tuple(
            Context(sop_class_uid=offered, transfer_syntax_uid=syntax)
            for offered, syntaxes in self._offered.items()
            for syntax in sorted(syntaxes)
        )
