"""How often a district is asked about an exam: often in the first hours, when an answer to something urgent comes, and
ever more rarely, until it is asked no more. A box that is on for an hour a night asks once or twice a night.

It is counted how often it was asked, and not how old the exam is: the clock of a box may be years off. A clock that
jumps makes the box ask once too early, or wait one step longer.
"""

HOUR = 3600.0
# So many times after so long.
STEPS = ((4, 0.25 * HOUR), (6, HOUR), (6, 6 * HOUR), (7, 24 * HOUR), (6, 72 * HOUR))
MOST_ASKS = sum(count for count, _ in STEPS)  # 29, over four weeks
AFTER_ANSWER_SECONDS = 24 * HOUR  # a correction is not waited for at the screen
# What is nearly due is asked about together with what is due: one question costs little more than another.
NEARLY = 0.5


def seconds_until_asked(asked: int, asked_at: float, now: float, *, answered: bool) -> float:
    """How long until an exam is due that was `asked` about so often, last at `asked_at` by the clock of then."""
    wait = _wait(asked)
    if answered:
        wait = max(wait, AFTER_ANSWER_SECONDS)
    since = now - asked_at
    return max(0.0, wait - since) if since >= 0 else 0.0  # the clock was set back


def is_nearly_due(asked: int, asked_at: float, now: float, *, answered: bool) -> bool:
    """Whether it is asked about when another exam is due."""
    wait = max(_wait(asked), AFTER_ANSWER_SECONDS if answered else 0.0)
    return seconds_until_asked(asked, asked_at, now, answered=answered) <= NEARLY * wait


def _wait(asked: int) -> float:
    for count, wait in STEPS:
        if asked < count:
            return wait
        asked -= count
    return STEPS[-1][1]
