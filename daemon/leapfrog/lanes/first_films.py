"""The first film of each exam of which nothing was read yet.

When several machines send at once, or one sends hundreds of pictures, a single film would wait for all that came before
it. But staff need something of each exam, and of none of them the fourth view so soon.
"""

from collections import OrderedDict, deque

from leapfrog.state.instances import Instances

MOST_LOOKED_AT = 100  # films in one choice; more than one only where many come at once
MOST_KNOWN = 10_000  # exams; of one that is forgotten here, a second film may be taken for its first


class FirstFilms:
    """Those that wait, in the order in which they came. It looks at each film once, so that choosing takes the same
    time however many wait. Only one thread may call it at a time.
    """

    def __init__(self, instances: Instances) -> None:
        """Nothing was looked at yet."""
        self._instances = instances
        self._looked_up_to = 0
        self._known: OrderedDict[str, None] = OrderedDict()  # exams that have, or had, a film here
        self._waiting = deque[int]()  # sequence numbers; others may have taken one of them since

    def take(self) -> int | None:
        """The sequence number of the next one, which comes up only once; None if there is none."""
        for film in self._instances.films_after(self._looked_up_to, MOST_LOOKED_AT):
            self._looked_up_to = film.sequence
            if film.study_key not in self._known:
                self._know(film.study_key)
                if not film.is_begun:
                    self._waiting.append(film.sequence)
        return self._waiting.popleft() if self._waiting else None

    def _know(self, study_key: str) -> None:
        self._known[study_key] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
