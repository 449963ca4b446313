"""A proxy in front of a district server where anything may go wrong with any request, by chance but repeatably."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from support.odd_answers import ENDLESS_ANSWERS, ODD_ANSWERS
from support.recording_proxy import Answer, CutAnswer, Exchange, HalfAnswer, Mishap, RecordingProxy, Reset, Stall

JSON = "application/dicom+json"
LARGEST_FILM_BYTES = 300_000
# One minute and more of waiting, as the server asked: right, but nothing to watch.
LONG_WAITS = ("Retry-After: 999", "Retry-After: 1e999")


def _success(exchange: Exchange) -> Answer:
    stored = ",".join(f'{{"00081155": {{"vr": "UI", "Value": ["{uid}"]}}}}' for uid in exchange.sop_instance_uids)
    return Answer(200, f'{{"00081199": {{"vr": "SQ", "Value": [{stored}]}}}}'.encode(), JSON)


def _failure(exchange: Exchange, status: int, reason: int) -> Answer:
    failed = ",".join(
        f'{{"00081155": {{"vr": "UI", "Value": ["{uid}"]}}, "00081197": {{"vr": "US", "Value": [{reason}]}}}}'
        for uid in exchange.sop_instance_uids
    )
    return Answer(status, f'{{"00081198": {{"vr": "SQ", "Value": [{failed}]}}}}'.encode(), JSON)


Maker = Callable[[random.Random, Exchange], Mishap]

TO_ANY: dict[str, Maker] = {
    "the answer lost": lambda chance, exchange: CutAnswer(),
    "half an answer": lambda chance, exchange: HalfAnswer(chance.random()),
    "a web page": lambda chance, exchange: Answer(200, b"<html><title>Welcome</title>Please sign in</html>"),
    "an empty web page": lambda chance, exchange: Answer(200),
    "a redirect": lambda chance, exchange: Answer(302, headers={"Location": "http://portal.example/login"}),
    "500": lambda chance, exchange: Answer(500, b"<html>Internal error</html>"),
    "502": lambda chance, exchange: Answer(502),
    "503 with Retry-After": lambda chance, exchange: Answer(503, headers={"Retry-After": "1"}),
    "429": lambda chance, exchange: Answer(429),
    "401": lambda chance, exchange: Answer(401),
    "404": lambda chance, exchange: Answer(404, b"no such page"),
    "an odd answer, unsent": lambda chance, exchange: _odd(chance, forwards=False),
    "an odd answer, sent": lambda chance, exchange: _odd(chance, forwards=True),
    "an answer without end": lambda chance, exchange: ENDLESS_ANSWERS[chance.choice(list(ENDLESS_ANSWERS))],
}
TO_POST: dict[str, Maker] = {
    "success, and not stored": lambda chance, exchange: _success(exchange),
    "nothing stored, and no failure": lambda chance, exchange: Answer(200, b'{"00081199": {"vr": "SQ"}}', JSON),
    "409 with A700": lambda chance, exchange: _failure(exchange, 409, 0xA700),
    "409 with 0110": lambda chance, exchange: _failure(exchange, 409, 0x0110),
    "409 without a reason": lambda chance, exchange: Answer(409),
    "413": lambda chance, exchange: Answer(413),
}
TO_GET: dict[str, Maker] = {
    "held, and not listed": lambda chance, exchange: Answer(200, b"[]", JSON),
    "204": lambda chance, exchange: Answer(204, content_type=""),
    "null": lambda chance, exchange: Answer(200, b"null", JSON),
    "an empty answer": lambda chance, exchange: Answer(200, b"", JSON),
}


def _odd(chance: random.Random, *, forwards: bool) -> Mishap:
    names = [name for name in ODD_ANSWERS if not name.startswith(LONG_WAITS)]
    return replace(ODD_ANSWERS[chance.choice(names)], forwards=forwards)


class ChaosProxy(RecordingProxy):
    """Of all requests, `share` (0 to 1) meet with a mishap."""

    def __init__(self, upstream: str, seed: int, share: float = 0.35) -> None:
        """The same seed brings the same mishaps, as long as the same requests come."""
        super().__init__(upstream)
        self.share = share
        self.befallen: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self.always_before_body(self._before)
        self.always(self._after)

    def _before(self, method: str) -> Mishap | None:
        """Some of the mishaps befall a request on its way."""
        if self._chance.random() >= self.share / 5:
            return None
        after_bytes = self._chance.randrange(LARGEST_FILM_BYTES) if method == "POST" else 0
        on_the_way: dict[str, Mishap] = {
            "a reset on the way": Reset(after_bytes),
            "silence on the way": Stall(after_bytes),
        }
        name = self._chance.choice(list(on_the_way))
        self.befallen[name] += 1
        return on_the_way[name]

    def _after(self, exchange: Exchange) -> Mishap | None:
        if self._chance.random() >= self.share:
            return None
        makers = {**TO_ANY, **(TO_POST if exchange.method == "POST" else TO_GET)}
        name = self._chance.choice(list(makers))
        self.befallen[name] += 1
        return makers[name](self._chance, exchange)

    def _remember(self, exchange: Exchange) -> None:
        super()._remember(replace(exchange, body=b""))  # an hour of bodies would fill the memory
