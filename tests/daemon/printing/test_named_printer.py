"""A printer that is named for one print is looked at before anything waits for it."""

import pytest

from leapfrog.errors import PrinterRefused, PrinterUnreachable, UsageError
from leapfrog.printing.ipp.client import NOT_FOUND, IppPrinter, PrinterSeen
from leapfrog.printing.named_printer import look_at


def answers(monkeypatch: pytest.MonkeyPatch, answer: PrinterSeen | Exception) -> None:
    def printer(_: IppPrinter) -> PrinterSeen:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(IppPrinter, "printer", printer)


def test_one_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, PrinterRefused("not found", NOT_FOUND))
    with pytest.raises(UsageError, match=r"There is no printer nosuch at .* Nothing is printed"):
        look_at("nosuch", "A4")


@pytest.mark.parametrize("answer", [PrinterRefused("busy", 0x0507), PrinterUnreachable("off")])
def test_one_that_does_not_answer_now_may_do_so_later(monkeypatch: pytest.MonkeyPatch, answer: Exception) -> None:
    answers(monkeypatch, answer)
    assert look_at("laser", "A4") == ""


def test_a_paper_that_it_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, PrinterSeen("idle", media=("iso_a4_210x297mm",)))
    assert look_at("laser", "A4") == ""
    assert "does not list the paper 80mm. It lists: iso_a4" in look_at("laser", "80mm")
