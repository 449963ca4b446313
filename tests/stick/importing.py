"""`leapfrog import` is killed before and after every call that changes something on the stick or in the box's state;
and the stick is full, or pulled out, at each of its calls. After each, nothing is confirmed that no receipt names, and
the same command once more confirms the rest.
"""

from collections.abc import Iterator

from stick.calls import CallScene


class Scene(CallScene):
    """An import from a stick that comes back with receipts for all but one object."""

    command = "import"

    def prepare(self) -> None:
        """The stick was written, and was at the district."""
        self.side.anew()
        done = self.side.run("export")
        assert done.returncode == 0, done.stderr
        self._left_out = min(self.side.owed)
        self.side.box.give_receipts(self.side.root, without=[self._left_out])

    def wrong_repeated(self) -> Iterator[str]:
        """All that the receipts name is confirmed, and the rest goes on the next stick."""
        side = self.side
        side.run("import")  # "no receipts", if the first one had done all
        waiting = [uid for uid, state in side.box.states().items() if state == "waiting"]
        if waiting != [self._left_out]:
            yield f"{len(waiting)} objects wait, and 1 should"
        again = side.run("export")
        if again.returncode != 0:
            yield f"export: exit status {again.returncode}: {again.stderr}"
            return
        arrived = side.box.arrived(side.root)
        if list(arrived.times.items()) != [(self._left_out, 1)]:
            yield f"the next export holds {sum(arrived.times.values())} objects, and not just the rest"
