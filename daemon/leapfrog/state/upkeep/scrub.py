"""Looks at every spool file from time to time, slowly: a disk that loses bits says nothing until somebody reads them.

What is found is noted in the journal, where `status` sees it. The next time the machine that made an image sends it,
its file is repaired. A file that is as it should be again, such as after a cable was pushed in, is noted as well.
"""

from contextlib import suppress

from leapfrog.durable import yield_disk_to_others
from leapfrog.errors import StorageError
from leapfrog.exam import Frozen
from leapfrog.problem import Problem, Problems
from leapfrog.spool_file.checked import FileProblem, file_problem
from leapfrog.state.facts import Facts
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.upkeep.instance_files import InstanceFiles, drop_from_cache
from leapfrog.wording.text import count
from leapfrog.worker import UNTIL_WOKEN, Worker

FACT = "scrub_position"
BYTES_PER_SECOND = 4_000_000  # 100 GB in seven hours, and a slow disk has nine tenths of its time for others
SECONDS_A_FILE = 0.05  # at least, so that many small files cost no more than large ones
SECONDS_BETWEEN_PASSES = 24 * 3600.0
NOTED_EVERY = 100  # files; after a restart, so many are looked at twice


class _Position(Frozen):
    """The sequence numbers of the last instance and of the last object that were looked at in this pass."""

    instance: int = 0
    object: int = 0


class Scrub(Worker):
    """Goes through the files of all instances, then those of all objects that are owed, and again a day later."""

    def __init__(
        self, *, files: SpooledFiles, facts: Facts, spool: Spool, bytes_per_second: int = BYTES_PER_SECOND
    ) -> None:
        """`bytes_per_second` is how fast it reads, on average."""
        super().__init__("scrub")
        self._files = files
        self._facts = facts
        self._spool = spool
        self._instances = InstanceFiles(files, spool)
        self._bytes_per_second = bytes_per_second
        self._problems = Problems()
        stored = facts.get(FACT)
        self._position = _Position.model_validate_json(stored) if stored else _Position()
        self._unnoted = 0
        self._bad_objects: set[str] = set()  # ids of deliveries, found in this pass
        self._bad_before: set[str] = set()  # found in the last one, and not looked at since

    def problems(self) -> tuple[Problem, ...]:
        """Objects that are to be sent and whose files are not whole. Files of instances are in the journal."""
        return self._problems.current()

    def stop(self) -> None:
        """Stop, and note how far it came."""
        super().stop()
        with suppress(StorageError):  # on a failing disk: then a few files are looked at twice
            self._note_position()

    def _work(self) -> None:
        yield_disk_to_others()
        super()._work()

    def turn(self) -> float:
        """Look at one file. Returns the seconds until the next."""
        self.beat(UNTIL_WOKEN)  # as long as others use the disk it may wait, and nobody waits for it
        byte_count = self.look_at_next()
        if byte_count is None:
            return SECONDS_BETWEEN_PASSES
        return max(SECONDS_A_FILE, byte_count / self._bytes_per_second)

    def look_at_next(self) -> int | None:
        """Look at the next file of this pass. Returns how many bytes it read; None at the end of the pass, which then
        begins anew.
        """
        if instance := self._files.next_instance(self._position.instance):
            self._advance(_Position(instance=instance.sequence, object=self._position.object))
            self._instances.look(instance)
            drop_from_cache(self._spool.path(instance.spool_name))
            return instance.byte_count
        if made := self._files.next_object(self._position.object):
            self._advance(_Position(instance=self._position.instance, object=made.sequence))
            if not made.is_made:
                return 0  # it was looked at as an instance
            path = self._spool.path(made.spool_name)
            self._note_object(made.id, file_problem(path, made.byte_count, made.file_digest))
            drop_from_cache(path)
            return made.byte_count
        self._position = _Position()
        self._note_position()
        self._bad_before, self._bad_objects = self._bad_objects, set()
        self._tell_of_objects()
        return None

    def _advance(self, position: _Position) -> None:
        self._position = position
        self._unnoted += 1
        if self._unnoted >= NOTED_EVERY:
            self._note_position()

    def _note_position(self) -> None:
        self._facts.put(FACT, self._position.model_dump_json())
        self._unnoted = 0

    # ------------------------------------------------------------ objects that readers made

    def _note_object(self, delivery_id: str, problem: FileProblem | None) -> None:
        self._bad_before.discard(delivery_id)
        if problem:
            self._bad_objects.add(delivery_id)
        self._tell_of_objects()

    def _tell_of_objects(self) -> None:
        total = len(self._bad_objects | self._bad_before)
        if not total:
            self._problems.clear("objects")
            return
        self._problems.add(
            "objects",
            f"{count(total, 'object')} made for the district cannot be sent: missing or damaged in the spool.",
            "Each is refused when its turn comes: `leapfrog deliveries --state refused` lists them, and `leapfrog"
            " dismiss ID` gives one up. Have the disk of the state directory checked.",
        )
