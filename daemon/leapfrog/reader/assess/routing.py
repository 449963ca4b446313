"""Chooses the model package for an image, or tells staff in plain words why there is none.

An image goes to a model only if its own attributes say that it is what the model was made for. The package lists the
words that count for this, and those that count against it. There is one exception: an X-ray that says nothing about its
body part, as many real CR devices leave it empty, goes to the model *if* the package has a quality check, which must
then accept the picture. An image that says something else never goes to the model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """

    package: ModelPackage | None
    reason: str = ""
    assumption: str = ""
    age_not_given: bool = False


def route(exam: Exam, packages: Sequence[ModelPackage], unknown_age: UnknownAge) -> Route:
    """Choose the first package, in order, that reads this exam; never more than one reads an image."""
    if not packages:
        return Route(None, "There is no model on this box. Install one: see `leapfrog models list`.")
    modality = _modality(exam)
    if not modality or (exam.is_picture and modality == OTHER):
        return Route(None, _remedy(exam, "The image does not say what kind of machine made it"))
    if _is_screen(exam):
        return Route(None, "This is a screen or a document, not a picture of a body part. It is kept and passed on.")
    candidates = [package for package in packages if modality in package.manifest.applies_to.modalities]
    if not candidates:
        return Route(None, f"No model on this box reads {MODALITY_NAMES.get(modality, modality)} images.")
    stated, part = _body_part(exam, _names_of_parts(packages))
    choices = [_route_to(package, exam, modality, stated, part) for package in candidates]
    if any(choice.package is not None for choice in choices):
        return _of_age(choices, exam, unknown_age)
    return choices[_closest(candidates, exam, part)]


def _closest(candidates: Sequence[ModelPackage], exam: Exam, part: str | None) -> int:
    """Which of `candidates`, none of which reads the exam, it is refused for: one that is for its body part before
    others, then one for the patient's age, so that no grown person's film is refused in the name of a children's model.
    """
    for_part_and_age = [
        (part in _parts(package), reads_age(package, exam.age, unknown_age="adult")) for package in candidates
    ]
    return for_part_and_age.index(max(for_part_and_age))


def _of_age(choices: Sequence[Route], exam: Exam, unknown_age: UnknownAge) -> Route:
    """The first of the packages chosen otherwise, of which there is one, that was made for the patient's age; else why
    there is none.
    """
    wrong_age = []
    for choice in choices:
        if choice.package is None:
            continue
        if reads_age(choice.package, exam.age, unknown_age):
            ages = choice.package.manifest.applies_to.ages_years
            return replace(choice, age_not_given=ages is not None and exam.age.age is None)
        wrong_age.append(choice.package)
    return Route(None, age_refusal(wrong_age, exam.age, is_picture=exam.is_picture))


def _route_to(package: ModelPackage, exam: Exam, modality: str, stated: str, part: str | None) -> Route:
    refusal = _refusal(exam, package, stated, part)
    if refusal:
        return Route(None, refusal)
    if part is not None:
        return Route(package)
    if modality not in RADIOGRAPHY or package.quality_path is None:
        return Route(None, _remedy(exam, NO_BODY_PART))
    return Route(
        package, assumption=f"{NO_BODY_PART}; it was read as {_listed(_parts(package))}, because it looks like that."
    )


def _refusal(exam: Exam, package: ModelPackage, stated: str, part: str | None) -> str:
    """Why the package is not for this exam; "" if nothing in the exam's attributes speaks against it."""
    if part is not None and part not in _parts(package):
        return f'The image says that it shows "{stated}"; {package.title} is for {_listed(_parts(package))} only.'
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


def _body_part(exam: Exam, names: NamesOfParts) -> tuple[str, str | None]:
    """The body part that the image names, in its own words and as a defined term (None if it names none)."""
    for stated in (exam.body_part, exam.regions):
        if stated:
            return stated, _part_of(stated, names) or _normalised(stated)
    for description in (exam.image_texts, exam.image_type, exam.study_texts):
        if (part := _part_of(description, names)) is not None:
            return part, part
        if others := words_of(description) & OTHER_PART_WORDS:
            return min(others), min(others)
    return "", None


def _part_of(stated: str, names: NamesOfParts) -> str | None:
    """The part that the text names; if it names several, the first in the alphabet, so that the result is stable."""
    words = words_of(stated)
    return min((part for part, known in names.items() if words & known), default=None)


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


def _remedy(exam: Exam, problem: str) -> str:
    if exam.is_picture:
        return (
            f"{problem}, so no model was chosen. Set modality, body part and view for its folder in a [[folder.watch]]"
            " entry of the settings."
        )
    return f"{problem}, so no model was chosen. Select the exam on the machine, so that it fills this in."
