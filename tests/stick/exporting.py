"""`leapfrog export` is killed before and after every call that changes something on the stick or in the box's state;
and the stick is full, or pulled out, at each of its calls. After each, what has its name on the stick is whole and
known, all is owed as before, and the same command once more writes the rest, and nothing twice.
"""

from collections.abc import Iterator

from stick.calls import CallScene


class Scene(CallScene):
    """An export on an empty stick."""

    command = "export"

    def wrong_repeated(self) -> Iterator[str]:
        """All is on the stick, once; and the district's receipts confirm it."""
        side = self.side
        again = side.run("export")
        if again.returncode != 0:
            yield f"exit status {again.returncode}: {again.stderr}"
            return
        yield from side.wrong_on_stick()
        yield from side.not_all_on_stick()
        side.district()
        taken = side.run("import")
        if taken.returncode != 0:
            yield f"import: exit status {taken.returncode}: {taken.stdout}{taken.stderr}"
        yield from side.not_all_confirmed()
