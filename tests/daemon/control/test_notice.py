"""What is wrong is on systemd's line at once, and the worklist is written again."""

from leapfrog.control.notice import ALL_IS_WELL, Notice
from leapfrog.problem import Problem

FULL = Problem(what="The disk of the reports is full.", remedy="Make room.")
GONE = Problem(what="The watched folder /in is gone.")


def test_a_disk_that_fills_is_news_once_though_the_worklist_follows() -> None:
    now: list[tuple[Problem, ...]] = [()]
    changes: list[None] = []
    news: list[None] = []
    notice = Notice(lambda: now[0], lambda: changes.append(None), print, on_news=lambda: news.append(None))
    for free in ("2.1 GB", "1.9 GB", "0.8 GB"):
        now[0] = (Problem(what=f"The disk is nearly full: {free} are free."),)
        notice.look()
    assert (len(changes), len(news)) == (3, 1)
    now[0] = (*now[0], GONE)
    notice.look()
    assert len(news) == 2


def test_the_line_follows_what_is_wrong() -> None:
    now: list[tuple[Problem, ...]] = [()]
    lines: list[str] = []
    changes: list[None] = []
    notice = Notice(lambda: now[0], lambda: changes.append(None), lines.append)
    for problems in ((), (FULL,), (FULL,), (FULL, GONE), ()):
        now[0] = problems
        notice.look()
    assert lines == [
        ALL_IS_WELL,
        "The disk of the reports is full. Make room.",
        "The disk of the reports is full. Make room. (and 1 more: `leapfrog status`)",
        ALL_IS_WELL,
    ]
    assert len(changes) == 3
