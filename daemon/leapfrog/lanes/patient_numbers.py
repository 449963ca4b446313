"""Patients' numbers, hashed for the codes on sheets: once for each exam, while its first image is read.

Hashing is slow on purpose (`signed_summary/patient_number.py`). Done when a report is made, it would keep the reader
waiting, once for each version.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future

from leapfrog.signed_summary.patient_number import hashed
from leapfrog.signed_summary.summary import HashedNumber

MOST_KEPT = 256  # exams; of any other the number is hashed again when it is needed


class PatientNumbers:
    """The hashed numbers of the exams in hand. Two exams of one patient have different ones, so that nobody sees from
    their sheets that they are one patient's. Any thread may call it.
    """

    def __init__(self) -> None:
        """None is known."""
        self._lock = threading.Lock()  # guards the one below
        self._numbers: OrderedDict[tuple[str, str], Future[HashedNumber]] = OrderedDict()  # the latest used last

    def hashed(self, study_key: str, patient_id: str) -> HashedNumber:
        """The number of the patient of an exam, with a salt that this exam keeps; of "", that of no number."""
        with self._lock:
            known = self._numbers.get((study_key, patient_id))
            number = known or Future()
            self._numbers[study_key, patient_id] = number
            self._numbers.move_to_end((study_key, patient_id))
            while len(self._numbers) > MOST_KEPT:
                self._numbers.popitem(last=False)
        if known is None:
            self._hash(number, study_key, patient_id)
        return number.result()

    def _hash(self, number: Future[HashedNumber], study_key: str, patient_id: str) -> None:
        try:
            number.set_result(hashed(patient_id))
        except (
            BaseException
        ) as problem:  # such as no memory: whoever waits for it is told, and the next one tries again
            with self._lock:
                self._numbers.pop((study_key, patient_id), None)
            number.set_exception(problem)
