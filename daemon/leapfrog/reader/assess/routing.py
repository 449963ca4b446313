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

from leapfrog.packages.package import ModelPackage
from leapfrog.reader.assess.ages import age_refusal, reads_age
from leapfrog.reader.assess.exam_attributes import Exam
from leapfrog.settings import UnknownAge

# PS3.6 Annex A: the modality of an instance that does not name one, by its SOP class.
MODALITY_OF_SOP_CLASS = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.3.1": "US",
    "1.2.840.10008.5.1.4.1.1.6.1": "US",
}
MODALITY_NAMES = {
    "CR": "X-ray (CR)",
    "CT": "CT",
    "DX": "X-ray (DX)",
    "IO": "dental X-ray",
    "MG": "mammography",
    "MR": "MR",
    "NM": "nuclear medicine",
    "PX": "dental panorama",
    "RF": "fluoroscopy",
    "US": "ultrasound",
    "XA": "angiography",
}
OTHER = "OT"  # the modality of a wrapped picture without a hint in the settings
NO_BODY_PART = "The image does not say which body part it shows"
SEVERAL_PARTS = "The description of the exam names {parts}"
LOOKS_LIKE_IT = "{problem}; it was read as {part}, because it looks like that."
LOOKS_LIKE_NONE = "{problem}, and it does not look like pictures of {parts}"
LOOKS_LIKE_SEVERAL = "{problem}, and it looks like pictures of {parts} alike"
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
    reason: str = ""
    assumption: str = ""
    age_not_given: bool = False
    contenders: tuple[ModelPackage, ...] = ()
    undecided: str = ""


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


def _why_no_model(exam: Exam, packages: Sequence[ModelPackage], modality: str) -> str:
    """Why none of the packages comes into question, whatever body part it is; "" if one does."""
    if not packages:
        return "There is no model on this box. Install one: see `leapfrog models list`."
    if not modality or (exam.is_picture and modality == OTHER):
        return _remedy(exam, "The image does not say what kind of machine made it")
    if _is_screen(exam):
        return "This is a screen or a document, not a picture of a body part. It is kept and passed on."
    if not any(modality in package.manifest.applies_to.modalities for package in packages):
        return f"No model on this box reads {MODALITY_NAMES.get(modality, modality)} images."
    return ""


def _undecided(exam: Exam, named: _Named, possible: Sequence[ModelPackage]) -> Route | None:
    """Where an exam goes that names no part, or several: to the picture, if checks of several packages can tell. None
    if it names no part, and they cannot.
    """
    first = list({_parts(package): package for package in reversed(possible)}.values())[::-1]  # of those for one part
    if named.parts and len(first) == 1:
        return _accepted(first[0], exam)
    contenders = tuple(package for package in first if package.quality_path is not None)
    problem = SEVERAL_PARTS.format(parts=_listed(named.parts)) if named.parts else NO_BODY_PART
    if len(contenders) > 1:
        return Route(None, contenders=contenders, undecided=problem)
    return Route(None, _remedy(exam, problem, sorted(named.parts))) if named.parts else None


def route_by_picture(undecided: Route, accepting: Sequence[ModelPackage], exam: Exam) -> Route:
    """Which of the contenders reads the picture, where the quality checks of `accepting` find that it is one of theirs:
    the only one, or none, with what staff can set.
    """
    if len(accepting) == 1:
        part = _listed(_parts(accepting[0]))
        return _accepted(accepting[0], exam, LOOKS_LIKE_IT.format(problem=undecided.undecided, part=part))
    terms = sorted({part for package in undecided.contenders for part in package.manifest.applies_to.body_parts})
    sentence, parts = (LOOKS_LIKE_SEVERAL, _listed(terms)) if accepting else (LOOKS_LIKE_NONE, _either(terms))
    return Route(None, _remedy(exam, sentence.format(problem=undecided.undecided, parts=parts), terms))


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
    return _accepted(package, exam, LOOKS_LIKE_IT.format(problem=NO_BODY_PART, part=_listed(_parts(package))))


def _accepted(package: ModelPackage, exam: Exam, assumption: str = "") -> Route:
    """The route to the package that reads the exam: there is no other way to make one."""
    for_certain_ages = package.manifest.applies_to.ages_years is not None
    return Route(package, assumption=assumption, age_not_given=for_certain_ages and exam.age.age is None)


def _refusal(exam: Exam, package: ModelPackage, named: _Named) -> str:
    """Why the package is not for this exam; "" if nothing in the exam's attributes speaks against it."""
    if named.parts and not named.parts & _parts(package):
        return f'The image says that it shows "{named.stated}"; {package.title} is for {_listed(_parts(package))} only.'
    texts = words_of(exam.body_part, exam.regions, exam.image_texts, exam.study_texts)
    for exclusion in package.manifest.applies_to.excluded:
        if matches := texts & words_of(exclusion.words):
            return exclusion.reason.replace("{package}", package.title).replace("{words}", _listed(matches))
    view, views = _view(exam), package.manifest.applies_to.views
    if views and view and view not in views:
        return f"This is a {view.lower()} view; {package.title} reads {_listed(views)} views only."
    return ""


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


def _listed(names: Iterable[str]) -> str:
    return " and ".join(sorted(name.lower() if len(name) > 2 else name for name in names))


def _either(names: Iterable[str]) -> str:
    return _listed(names).replace(" and ", " or ")


def _remedy(exam: Exam, problem: str, terms: Sequence[str] = ()) -> str:
    """The problem, and what to set: the body part to one of the defined `terms`, if there are any."""
    if exam.is_picture:
        key = (
            f"body_part = {' or '.join(map(repr, terms))}".replace("'", '"')
            if terms
            else "modality, body part and view"
        )
        return (
            f"{problem}, so no model was chosen. Set {key} for its folder in a [[folder.watch]] entry of the settings."
        )
    sent = f" with the body part: {' or '.join(terms)}" if terms else ", so that it fills this in"
    return f"{problem}, so no model was chosen. Select the exam on the machine{sent}."
