"""Nobody works on an exam while it is forgotten, and it is not forgotten while somebody works on it."""

import threading

from leapfrog.state.studies_in_use import StudiesInUse
from support.waiting import wait_until


def test_an_exam_that_somebody_works_on_is_not_given_to_anybody_alone() -> None:
    in_use = StudiesInUse()
    with in_use.using("k"), in_use.alone("k", 0.01) as is_mine:
        assert not is_mine
    with in_use.alone("k", 0.01) as is_mine:
        assert is_mine


def test_whoever_has_it_alone_waits_until_the_others_are_done_and_they_see_that_it_is_wanted() -> None:
    in_use = StudiesInUse()
    got: list[bool] = []

    def forget() -> None:
        with in_use.alone("k", 10) as is_mine:
            got.append(is_mine)

    with in_use.using("k"):
        thread = threading.Thread(target=forget)
        thread.start()
        wait_until(lambda: in_use.is_wanted("k"), "it is wanted")
        assert not got
    thread.join()
    assert got == [True]
    assert not in_use.is_wanted("k")


def test_whoever_begins_to_work_on_it_meanwhile_waits_and_others_do_not() -> None:
    in_use = StudiesInUse()
    began = threading.Event()

    def work() -> None:
        with in_use.using("k"):
            began.set()

    with in_use.alone("k", 1):
        thread = threading.Thread(target=work)
        thread.start()
        with in_use.using("another"):
            assert not began.wait(0.05)
    assert began.wait(5)
    thread.join()


def test_only_one_has_it_alone() -> None:
    in_use = StudiesInUse()
    with in_use.alone("k", 1) as mine, in_use.alone("k", 0.01) as also_mine:
        assert (mine, also_mine) == (True, False)
    with in_use.alone("k", 0.01) as mine:
        assert mine
