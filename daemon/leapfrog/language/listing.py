"""Lists within a sentence: `nodule, mass and edema`."""

from collections.abc import Iterable

from leapfrog.language.sentence import Part, Sentence, parts_of, sentence, term

AND = sentence("{first} and {last}")
OR = sentence("{first} or {last}")
COMMA = term("between the things of a list", ", ")
SEMICOLON = term("between statements", "; ")


def all_of(names: Iterable[str]) -> Sentence:
    """`nodule, mass and edema`; "" for none."""
    return _listed(names, AND)


def any_of(names: Iterable[str]) -> Sentence:
    """`nodule, mass or edema`; "" for none."""
    return _listed(names, OR)


def enumerated(names: Iterable[str]) -> Sentence:
    """`Nodule, Mass, Edema`; "" for none."""
    return _apart(names, COMMA)


def clauses(statements: Iterable[str]) -> Sentence:
    """`Nothing flagged; 1 image was not assessed`: statements that each stand for themselves."""
    return _apart(statements, SEMICOLON)


def _listed(names: Iterable[str], last_two: Sentence) -> Sentence:
    *others, last = list(filter(None, names)) or [""]
    return last_two.format(first=_apart(others, COMMA), last=last) if others else _apart([last], COMMA)


def _apart(texts: Iterable[str], between: Sentence) -> Sentence:
    """The texts that are not empty, with `between` between two."""
    parts: list[Part] = []
    for text in filter(None, texts):
        parts += [*(between.parts if parts else ()), *parts_of(text)]
    return Sentence.of(*parts)
