"""The forms of one trained network, their files and sizes."""

from enum import StrEnum
from pathlib import Path

from leapfrog_training.errors import RunError
from leapfrog_training.run.folder import Job


class Form(StrEnum):
    """A form of a trained network. INT8 is the one that ships."""

    FLOAT32 = "float32"
    PTQ = "ptq"
    INT8 = "int8"


FORM_NAMES = {
    Form.INT8: "int8, after training for it (ships)",
    Form.PTQ: "int8, quantized after training",
    Form.FLOAT32: "float32, not quantized",
}


def file_of(job: Job, form: Form) -> Path:
    """The network in that form. Raises RunError when it was not made."""
    path = {Form.FLOAT32: job.float32, Form.PTQ: job.ptq, Form.INT8: job.int8}[form]
    if not path.exists():
        raise RunError(f"{path} is missing: run `leapfrog-train quantize` on this run first")
    return path


def file_sizes(job: Job) -> dict[Form, int]:
    """Bytes of each form."""
    return {form: file_of(job, form).stat().st_size for form in Form}
