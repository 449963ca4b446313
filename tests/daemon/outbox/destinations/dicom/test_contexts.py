"""What is proposed to an archive: all that was offered before, within the standard's 128 contexts."""

from leapfrog.outbox.destinations.dicom.contexts import MOST_CONTEXTS, SERVICES, ContextBook

EXPLICIT, IMPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"


def offered(contexts: tuple[object, ...]) -> list[tuple[str, str]]:
    return [(one.sop_class_uid, one.transfer_syntax_uid) for one in contexts]  # type: ignore[attr-defined]


def test_each_context_has_one_syntax_and_uncompressed_is_always_offered() -> None:
    pairs = offered(ContextBook().with_object("1.2.3", [JPEG]))
    assert pairs[len(SERVICES) :] == [("1.2.3", IMPLICIT), ("1.2.3", EXPLICIT), ("1.2.3", JPEG)]


def test_what_was_offered_once_is_offered_again() -> None:
    book = ContextBook()
    book.with_object("1.2.3", [JPEG])
    assert {("1.2.3", JPEG), ("1.2.4", EXPLICIT)} <= set(offered(book.with_object("1.2.4", [])))


def test_of_too_many_those_that_were_offered_longest_ago_give_way() -> None:
    book = ContextBook()
    for number in range(100):
        contexts = book.with_object(f"1.2.{number}", [JPEG])
        assert len(contexts) <= MOST_CONTEXTS
    pairs = offered(contexts)
    assert ("1.2.99", JPEG) in pairs and ("1.2.60", JPEG) in pairs and ("1.2.0", JPEG) not in pairs
