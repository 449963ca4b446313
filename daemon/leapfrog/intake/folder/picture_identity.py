"""The identity of a picture that carries none: taken from its file name, with UIDs of our own."""

import re
from pathlib import Path

from leapfrog.dicom.uids import mint_uid
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.settings import FolderSettings
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal


class PictureIdentities:
    """Assigns pictures to patients and studies by `folder.filename_pattern`, and describes them by [[folder.watch]]."""

    def __init__(self, settings: FolderSettings, journal: Journal) -> None:
        """The journal is asked which study an accession number belongs to."""
        self._pattern = re.compile(settings.filename_pattern) if settings.filename_pattern else None
        self._watches = sorted(settings.watch, key=lambda watch: len(watch.path.parts), reverse=True)
        self._instances = Instances(journal)

    def identity(self, file_name: str) -> PictureIdentity:
        """A new identity for the picture `file_name`. Fields that the pattern does not find in the name are ''.

        Pictures with the same accession number and patient go into one study, because an order is one study. Without
        an accession number each picture becomes its own study: nothing shows that two pictures belong together, and a
        report that mixes two patients is worse than two reports. Each picture gets its own series, because a series has
        one modality. The UIDs are random, not derived from names: two clinics may use the same numbers.
        """
        match = self._pattern.search(file_name) if self._pattern else None
        groups = match.groupdict(default="") if match else {}
        accession_number = groups.get("accession_number", "").strip()
        patient_id = groups.get("patient_id", "").strip()
        earlier = self._instances.picture_of_accession(accession_number, patient_id) if accession_number else None
        return PictureIdentity(
            patient_id=patient_id,
            patient_name=groups.get("patient_name", "").strip(),
            accession_number=accession_number,
            study_instance_uid=earlier.study_instance_uid if earlier else mint_uid(),
            series_instance_uid=mint_uid(),
            sop_instance_uid=mint_uid(),
        )

    def hints(self, path: Path) -> PictureHints:
        """What kind of images the machine behind this folder makes: from the [[folder.watch]] entry whose path is
        closest to the file.
        """
        for watch in self._watches:
            if path.is_relative_to(watch.path.absolute()):
                return PictureHints(
                    modality=watch.modality,
                    body_part=watch.body_part,
                    view=watch.view,
                    pixel_spacing_mm=watch.pixel_spacing_mm,
                    age_years=watch.age_years,
                )
        return PictureHints()
