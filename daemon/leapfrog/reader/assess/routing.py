"""Chooses the model package for an image, or tells staff in plain words why there is none.

An image goes to a model only if its own attributes say that it is what the model was made for. The package lists the
words that count for this, and those that count against it. There is one exception: an X-ray that says nothing about its
body part, as many real CR devices leave it empty, goes to the model *if* the package has a quality check, which must
then accept the picture. An image that says something else never goes to the model.

Where the image does not say which of several packages it is for, such as those for a fetal head and for a nerve, their
quality checks decide: the one goes ahead that alone accepts the picture. If none does, or several do, staff are told
what to set.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from leapfrog.language.listing import all_of, any_of
from leapfrog.language.sentence import Sentence, joined, known, sentence, term
from leapfrog.packages.package import ModelPackage
from leapfrog.reader.assess.ages import age_refusal, reads_age
from leapfrog.reader.assess.exam_attributes import Exam
from leapfrog.settings import UnknownAge
from leapfrog.wording.text import clean

# PS3.6 Annex A: the modality of an instance that does not name one, by its SOP class.
MODALITY_OF_SOP_CLASS = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.3.1": "US",
    "1.2.840.10008.5.1.4.1.1.6.1": "US",
}
NOT_READ_HERE: dict[str, Sentence] = {
    "CR": sentence("No model on this box reads X-ray (CR) images."),
    "DX": sentence("No model on this box reads X-ray (DX) images."),
    "IO": sentence("No model on this box reads dental X-ray images."),
    "MG": sentence("No model on this box reads mammography images."),
    "NM": sentence("No model on this box reads nuclear medicine images."),
    "PX": sentence("No model on this box reads dental panorama images."),
    "RF": sentence("No model on this box reads fluoroscopy images."),
    "US": sentence("No model on this box reads ultrasound images."),
    "XA": sentence("No model on this box reads angiography images."),
}
OTHER_NOT_READ_HERE = sentence("No model on this box reads {modality} images.")
NO_MODEL = sentence("There is no model on this box. Install one: see `leapfrog models list`.")
NO_MACHINE = sentence("The image does not say what kind of machine made it.")
IS_SCREEN = sentence("This is a screen or a document, not a picture of a body part. It is kept and passed on.")
OTHER = "OT"  # the modality of a wrapped picture without a hint in the settings
NO_BODY_PART = sentence("The image does not say which body part it shows.")
SEVERAL_PARTS = sentence("The description of the exam names {parts}.")
LOOKS_LIKE_IT = sentence("It was read as {part}, because it looks like that.")
LOOKS_LIKE_NONE = sentence("It does not look like pictures of {parts}.")
LOOKS_LIKE_SEVERAL = sentence("It looks like pictures of {parts} alike.")
OTHER_PART = sentence('The image says that it shows "{stated}"; {package} is for {parts} only.')
OTHER_VIEW: dict[str, Sentence] = {
    "PA": sentence("This is a PA view; {package} reads {views} views only."),
    "AP": sentence("This is an AP view; {package} reads {views} views only."),
    "LATERAL": sentence("This is a lateral view; {package} reads {views} views only."),
    "OBLIQUE": sentence("This is an oblique view; {package} reads {views} views only."),
}
# What to do where no model was chosen: on the machine that made the image, or in the settings of a folder.
SELECT_EXAM = sentence("So no model was chosen. Select the exam on the machine, so that it fills this in.")
SELECT_PART = sentence("So no model was chosen. Select the exam on the machine with the body part: {parts}.")
SET_ALL = sentence(
    "So no model was chosen. Set modality, body part and view for its folder in a [[folder.watch]] entry of the"
    " settings."
)
SET_PART = sentence(
    "So no model was chosen. Set body_part = {parts} for its folder in a [[folder.watch]] entry of the settings."
)
NOTHING = Sentence("")
PART, VIEW = "body part", "view"  # the contexts in which they are translated, by their names in DICOM
VIEW_NAMES = (term("view", "lateral"), term("view", "oblique"))
RADIOGRAPHY = frozenset(("CR", "DX"))


def words_of(*texts: str) -> frozenset[str]:
    """The words of `texts` in upper case, without punctuation; "postero-anterior" is one word."""
    return frozenset(re.findall(r"[^\W_]+", " ".join(texts).upper().replace("-", "")))


# If no body part is given and the exam's description has no word of any package on the box, these words in it mean that
# the exam shows another part.
OTHER_PART_WORDS = words_of(
    "ABDOMEN ABDOMINAL ANKLE ARM BACK BREAST CALF CARDIAC CARDIOLOGY CAROTID CERVICAL CLAVICLE COCCYX ECHO "
    "ECHOCARDIOGRAM ELBOW EXTREMITY FACE FEMUR FINGER FOOT FOREARM HAND HEEL HIP HUMERUS INTERSCALENE JAW KIDNEY "
    "KIDNEYS KNEE LEG LIVER LUMBAR MANDIBLE NECK NERVE NERVES NOSE ORBIT PATELLA PELVIS PELVIC PROSTATE RENAL RIBS "
    "SACRUM SCAPULA SHOULDER SINUS SINUSES SKULL SPINE STERNUM SUPRACLAVICULAR TEE TESTIS THIGH THUMB THYROID TIBIA "
    "TOE TOES VASCULAR WRIST"
)
SCREEN_TEXTS = (
    "DOSE REPORT",
    "DOSE INFO",
    "SCREEN SAVE",
    "SCREEN CAPTURE",
    "SCREENSAVE",
    "PATIENT PROTOCOL",
    "EXAM PROTOCOL",
)

NamesOfParts = Mapping[str, frozenset[str]]  # the words for each body part that any package on the box reads
View = Literal["PA", "AP", "LATERAL", "OBLIQUE", ""]
# View Position (0018,5101) and its everyday spellings; LL and RL are left and right lateral, LLD and RLD decubitus.
VIEW_WORDS: dict[str, View] = {
    **dict.fromkeys(("PA", "POSTEROANTERIOR", "POSTERIORANTERIOR", "FRONTAL"), "PA"),
    **dict.fromkeys(("AP", "ANTEROPOSTERIOR", "ANTERIORPOSTERIOR", "SUPINE", "PORTABLE"), "AP"),
    **dict.fromkeys(
        ("LL", "RL", "LLD", "RLD", "LAT", "LATERAL", "LATERALE", "LATERALIS", "LLAT", "RLAT", "PROFIL", "PROFILE"),
        "LATERAL",
    ),
    **dict.fromkeys(("LLO", "LAO", "RAO", "LPO", "RPO", "OBL", "OBLIQUE", "LORDOTIC"), "OBLIQUE"),
}


@dataclass(frozen=True)
class Route:
    """The package that reads the image, or None and the `reason`.

    `assumption` is what the image does not say, so that the quality check must confirm it. `age_not_given`: the package
    was made for certain ages, and the patient is taken for an adult.

    With `contenders`, `route_by_picture` says which of them it is, if any. `undecided` is why the exam does not tell.
    """

    package: ModelPackage | None
    reason: Sentence = NOTHING
    assumption: Sentence = NOTHING
    age_not_given: bool = False
    contenders: tuple[ModelPackage, ...] = ()
    undecided: Sentence = NOTHING


@dataclass(frozen=True)
class _Named:
    """What an image names as its body part: in its own words (`stated`), and as defined terms. Without any it names
    none; only a description names several.
    """

    stated: str = ""
    parts: frozenset[str] = frozenset()

    @property
    def only(self) -> str | None:
        """The part, if it is one."""
        return min(self.parts) if len(self.parts) == 1 else None


def route(exam: Exam, packages: Sequence[ModelPackage], unknown_age: UnknownAge) -> Route:
    """Choose the first package, in order, that reads this exam; never more than one reads an image."""
    modality = _modality(exam)
    if reason := _why_no_model(exam, packages, modality):
        return Route(None, reason)
    candidates = [package for package in packages if modality in package.manifest.applies_to.modalities]
    named = _body_part(exam, _names_of_parts(packages), _read_by(candidates))
    choices = [_route_to(package, exam, modality, named) for package in candidates]
    if any(choice.package is not None for choice in choices):
        chosen = _of_age(choices, exam, unknown_age)
    else:
        chosen = choices[_closest(candidates, exam, named)]
    if named.only is not None:
        return chosen
    possible = [package for package in candidates if not _refusal(exam, package, named)]
    return _undecided(exam, named, [one for one in possible if reads_age(one, exam.age, unknown_age)]) or chosen


def _closest(candidates: Sequence[ModelPackage], exam: Exam, named: _Named) -> int:
    """Which of `candidates`, none of which reads the exam, it is refused for: one that is for its body part before
    others, then one for the patient's age, so that no grown person's film is refused in the name of a children's model.
    """
    for_part_and_age = [
        (named.only in _parts(package), reads_age(package, exam.age, unknown_age="adult")) for package in candidates
    ]
    return for_part_and_age.index(max(for_part_and_age))


def _why_no_model(exam: Exam, packages: Sequence[ModelPackage], modality: str) -> Sentence:
    """Why none of the packages comes into question, whatever body part it is; "" if one does."""
    if not packages:
        return NO_MODEL
    if not modality or (exam.is_picture and modality == OTHER):
        return _remedy(exam, NO_MACHINE)
    if _is_screen(exam):
        return IS_SCREEN
    if not any(modality in package.manifest.applies_to.modalities for package in packages):
        return NOT_READ_HERE.get(modality) or OTHER_NOT_READ_HERE.format(modality=modality)
    return NOTHING


def _undecided(exam: Exam, named: _Named, possible: Sequence[ModelPackage]) -> Route | None:
    """Where an exam goes that names no part, or several: to the picture, if checks of several packages can tell. None
    if it names no part, and they cannot.
    """
    first = list({_parts(package): package for package in reversed(possible)}.values())[::-1]  # of those for one part
    if named.parts and len(first) == 1:
        return _accepted(first[0], exam)
    contenders = tuple(package for package in first if package.quality_path is not None)
    problem = SEVERAL_PARTS.format(parts=all_of(_part_names(named.parts))) if named.parts else NO_BODY_PART
    if len(contenders) > 1:
        return Route(None, contenders=contenders, undecided=problem)
    return Route(None, _remedy(exam, problem, sorted(named.parts))) if named.parts else None


def route_by_picture(undecided: Route, accepting: Sequence[ModelPackage], exam: Exam) -> Route:
    """Which of the contenders reads the picture, where the quality checks of `accepting` find that it is one of theirs:
    the only one, or none, with what staff can set.
    """
    if len(accepting) == 1:
        part = all_of(_part_names(_parts(accepting[0])))
        return _accepted(accepting[0], exam, joined((undecided.undecided, LOOKS_LIKE_IT.format(part=part))))
    terms = sorted({part for package in undecided.contenders for part in package.manifest.applies_to.body_parts})
    if accepting:
        looks = LOOKS_LIKE_SEVERAL.format(parts=all_of(_part_names(terms)))
    else:
        looks = LOOKS_LIKE_NONE.format(parts=any_of(_part_names(terms)))
    return Route(None, _remedy(exam, joined((undecided.undecided, looks)), terms))


def _of_age(choices: Sequence[Route], exam: Exam, unknown_age: UnknownAge) -> Route:
    """The first of the packages chosen otherwise, of which there is one, that was made for the patient's age; else why
    there is none.
    """
    wrong_age = []
    for choice in choices:
        if choice.package is None:
            continue
        if reads_age(choice.package, exam.age, unknown_age):
            return choice
        wrong_age.append(choice.package)
    return Route(None, age_refusal(wrong_age, exam.age, is_picture=exam.is_picture))


def _route_to(package: ModelPackage, exam: Exam, modality: str, named: _Named) -> Route:
    refusal = _refusal(exam, package, named)
    if refusal:
        return Route(None, refusal)
    if named.only is not None:
        return _accepted(package, exam)
    if modality not in RADIOGRAPHY or package.quality_path is None:
        return Route(None, _remedy(exam, NO_BODY_PART))
    part = all_of(_part_names(_parts(package)))
    return _accepted(package, exam, joined((NO_BODY_PART, LOOKS_LIKE_IT.format(part=part))))


def _accepted(package: ModelPackage, exam: Exam, assumption: Sentence = NOTHING) -> Route:
    """The route to the package that reads the exam: there is no other way to make one."""
    for_certain_ages = package.manifest.applies_to.ages_years is not None
    return Route(package, assumption=assumption, age_not_given=for_certain_ages and exam.age.age is None)


def _refusal(exam: Exam, package: ModelPackage, named: _Named) -> Sentence:
    """Why the package is not for this exam; "" if nothing in the exam's attributes speaks against it."""
    if named.parts and not named.parts & _parts(package):
        parts = all_of(_part_names(_parts(package)))
        return OTHER_PART.format(stated=clean(named.stated), package=package.title, parts=parts)
    texts = words_of(exam.body_part, exam.regions, exam.image_texts, exam.study_texts)
    for exclusion in package.manifest.applies_to.excluded:
        if matches := texts & words_of(exclusion.words):
            return known(exclusion.reason).format(package=package.title, words=all_of(_written(matches)))
    view, views = _view(exam), package.manifest.applies_to.views
    if views and view and view not in views:
        return OTHER_VIEW[view].format(package=package.title, views=all_of(known(one, VIEW) for one in _written(views)))
    return NOTHING


def _parts(package: ModelPackage) -> frozenset[str]:
    return frozenset(map(_normalised, package.manifest.applies_to.body_parts))


def _names_of_parts(packages: Sequence[ModelPackage]) -> NamesOfParts:
    names: dict[str, frozenset[str]] = {}
    for package in packages:
        applies_to = package.manifest.applies_to
        for part in applies_to.body_parts:
            known = names.get(_normalised(part), frozenset())
            names[_normalised(part)] = known | words_of(applies_to.words.get(part, "")) | {_normalised(part)}
    return names


def _modality(exam: Exam) -> str:
    return exam.modality.upper().strip() or MODALITY_OF_SOP_CLASS.get(exam.sop_class_uid, "")


def _is_screen(exam: Exam) -> bool:
    """Whether it is a dose report or a screen capture, which machines send with the modality and body part of the exam.

    Conversion Type WSD (workstation) does not tell: real films that were converted from other formats have it too.
    """
    texts = " ".join((exam.image_type.replace("_", " "), exam.image_texts)).upper()
    return any(screen in texts for screen in SCREEN_TEXTS)


def _read_by(packages: Sequence[ModelPackage]) -> frozenset[str]:
    return frozenset(part for package in packages for part in _parts(package))


def _body_part(exam: Exam, names: NamesOfParts, read: frozenset[str]) -> _Named:
    """The body part that the image names. Of a description that names several, those that are `read`, if they are
    several too; else the first in the alphabet, so that the result is stable.
    """
    for stated in (exam.body_part, exam.regions):
        if stated:
            return _Named(stated, frozenset((min(_parts_in(stated, names), default=_normalised(stated)),)))
    for description in (exam.image_texts, exam.image_type, exam.study_texts):
        if parts := _parts_in(description, names):
            several = parts & read if len(parts & read) > 1 else frozenset((min(parts),))
            return _Named(min(several), several)
        if others := words_of(description) & OTHER_PART_WORDS:
            return _Named(min(others), frozenset((min(others),)))
    return _Named()


def _parts_in(stated: str, names: NamesOfParts) -> frozenset[str]:
    words = words_of(stated)
    return frozenset(part for part, known in names.items() if words & known)


def _view(exam: Exam) -> View:
    """The view, or "" if nothing names it or texts name several. Study texts, which often name all, do not count."""
    for stated in (exam.view, exam.view_codes, exam.image_texts):
        views = {VIEW_WORDS[word] for word in words_of(stated) if word in VIEW_WORDS}
        lateral_or_not = {view in ("PA", "AP") for view in views}
        if views and len(lateral_or_not) == 1:
            return min(views)
    row = exam.patient_orientation.split("\\")[0].upper()
    return "LATERAL" if row[:1] in ("A", "P") else ""


def _normalised(stated: str) -> str:
    return " ".join(sorted(words_of(stated))) or stated.upper()


def _written(words: Iterable[str]) -> list[str]:
    """Words in upper case as people write them: `chest`, `CT`."""
    return sorted(word.lower() if len(word) > 2 else word for word in words)


def _part_names(parts: Iterable[str]) -> list[Sentence]:
    return [known(name, PART) for name in _written(parts)]


def _remedy(exam: Exam, problem: Sentence, terms: Sequence[str] = ()) -> Sentence:
    """The problem, and what to set: the body part to one of the defined `terms`, if there are any."""
    if exam.is_picture:
        remedy = SET_PART.format(parts=any_of(f'"{one}"' for one in terms)) if terms else SET_ALL
    else:
        remedy = SELECT_PART.format(parts=any_of(terms)) if terms else SELECT_EXAM
    return joined((problem, remedy))
