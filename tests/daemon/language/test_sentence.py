"""A sentence is its English, and keeps what it was made from on every way that it takes."""

import copy
import json
import pickle

import pytest
from pydantic import BaseModel, ValidationError

from leapfrog.language.listing import all_of, any_of, clauses, enumerated
from leapfrog.language.sentence import (
    MOST_NESTED,
    Plain,
    Sentence,
    as_json,
    day,
    in_english,
    joined,
    known,
    number,
    plural,
    sentence,
    sentence_of,
    term,
    with_sentences,
)

NOT_WHOLE = sentence("The {name} is not whole.")
SAID = NOT_WHOLE.format(name=sentence("Fetal head").lowered())


class Message(BaseModel):
    reason: Sentence = Sentence("")


def test_a_sentence_is_its_english() -> None:
    assert SAID == "The fetal head is not whole."
    assert f"{SAID}" == "The fetal head is not whole."
    assert json.dumps([SAID]) == '["The fetal head is not whole."]'


def test_a_count_chooses_the_form_and_has_its_thousands_apart() -> None:
    images = plural("{count} image", "{count} images")
    assert [images.format(count=count) for count in (0, 1, 1234)] == ["0 images", "1 image", "1,234 images"]


def test_an_abbreviation_stays_as_it_is_within_a_sentence() -> None:
    assert sentence("CT of the head").lowered() == "CT of the head"


def test_lists_are_put_together_as_english_has_them() -> None:
    names = [sentence("nodule"), "mass", "edema"]
    assert all_of(names) == "nodule, mass and edema"
    assert any_of(names[:2]) == "nodule or mass"
    assert enumerated([*names, ""]) == "nodule, mass, edema"
    assert clauses(["one", "two"]) == "one; two"
    assert all_of([]) == any_of([]) == ""


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        Sentence(""),
        Sentence("Okello, Grace"),
        joined((SAID, "as they wrote it", number("175.0"), day("2026-11-03 14:22"))),
        term("sex", "female"),
        known("Lung mass", "body part"),
        plural("{count} file", "{count} files").format(count=2),
    ],
)
def test_it_keeps_its_parts_through_messages_copies_and_json(said: Sentence) -> None:
    message = Message.model_validate_json(Message(reason=said).model_dump_json())
    assert (message.reason, message.reason.parts) == (said, said.parts)
    for other in (copy.deepcopy(said), pickle.loads(pickle.dumps(said)), Message(reason=said).reason):
        assert (other, other.parts) == (said, said.parts)


def test_a_string_of_an_older_version_is_said_as_it_is() -> None:
    reason = Message.model_validate_json('{"reason": "Send it again."}').reason
    assert (reason, reason.parts) == ("Send it again.", (Plain("Send it again."),))


def test_where_text_and_parts_disagree_the_text_is_believed() -> None:
    told = {"text": "Nodule", "parts": [{"message": "Mass"}]}
    assert sentence_of(told).parts == (Plain("Nodule"),)


@pytest.mark.parametrize(
    "told", [3, None, [], {"text": "x"}, {"text": "x", "parts": [{"colour": "red"}]}, {"text": "x", "parts": 1}]
)
def test_what_is_no_sentence_is_refused(told: object) -> None:
    with pytest.raises(ValidationError):
        Message.model_validate({"reason": told})


def test_a_stranger_cannot_nest_sentences_without_end_or_use_formats_of_python() -> None:
    told = as_json(SAID)
    for _ in range(MOST_NESTED + 2):
        told = {"text": "x", "parts": [{"message": "{a}", "values": {"a": told}}]}
    with pytest.raises(ValueError, match="nested"):
        sentence_of(told)
    wide = {"text": "y", "parts": [{"message": "{a:>999999999}{a.__class__}", "values": {"a": "x"}}]}
    assert sentence_of(wide) == "y"


@pytest.mark.parametrize("value", [1.5, True, None])
def test_a_value_that_cannot_be_said_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be said"):
        NOT_WHOLE.format(name=value)


def test_only_what_is_not_ours_is_changed() -> None:
    said = joined((sentence("Send it again."), NOT_WHOLE.format(name="a\tb")))
    assert said.with_plain(str.upper) == "Send it again. The A\tB is not whole."


def test_a_document_in_english_has_plain_strings_and_can_be_put_back() -> None:
    document = Message(reason=SAID).model_dump(mode="json")
    plain = in_english(document)
    assert plain["reason"] == "The fetal head is not whole."
    assert with_sentences(plain) == document
    assert with_sentences({"reason": "old"}) == {"reason": "old"} == in_english({"reason": "old"})
