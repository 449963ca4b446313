"""Which image is read next: films before cines, and whatever failed goes behind.

Every second film is the first of an exam of which nothing was read yet, so that nobody waits for another's whole exam.
The rest come in the order in which they arrived.

A cine may take a whole deadline, and a damaged file may take several. So a film waits for one of them at most: between
two of them, all films are read that waited while the first was at work. They in turn are never put off for ever, since
films that arrive later come after them.
"""

from leapfrog.lanes.first_films import FirstFilms
from leapfrog.state.instances import Instances
from leapfrog.state.records import InstanceRecord


class ReadingOrder:
    """Begins the attempts at waiting instances, in order. Only one thread may call it at a time."""

    def __init__(self, instances: Instances) -> None:
        """Nothing is begun yet."""
        self._instances = instances
        # The films up to this sequence number go before the next slow one. None: not settled since the last.
        self._films_first: int | None = None
        self._first_films = FirstFilms(instances)
        self._oldest_is_next = False

    def begin(self) -> InstanceRecord | None:
        """Begin an attempt at the instance whose turn it is, and return it; None when none is waiting."""
        waiting = self._instances.waiting()
        if not waiting.slow:
            self._films_first = None
            return self._begin_film() if waiting.oldest_film is not None else None
        if waiting.oldest_film is not None:
            if self._films_first is None:
                self._films_first = waiting.newest_film
            if self._films_first is not None and waiting.oldest_film <= self._films_first:
                return self._begin_film()
        self._films_first = None
        return self._instances.begin_attempt(slow=True)

    def _begin_film(self) -> InstanceRecord | None:
        while not self._oldest_is_next and (sequence := self._first_films.take()) is not None:
            if (first := self._instances.begin_film(sequence)) is not None:
                self._oldest_is_next = True
                return first
        self._oldest_is_next = False
        return self._instances.begin_attempt()
