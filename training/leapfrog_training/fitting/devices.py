"""The choices of where and how a training runs; `compute.py` acts on them."""

from enum import StrEnum


class Devices(StrEnum):
    """What to train on. `auto` takes the machines of TF_CONFIG, else every graphics card, else the processor."""

    AUTO = "auto"
    CPU = "cpu"
    ONE_GPU = "one-gpu"
    ALL_GPUS = "all-gpus"
    MACHINES = "machines"


class Precision(StrEnum):
    """Of the arithmetic in training; weights are kept in float32. `auto` is mixed on a graphics card."""

    AUTO = "auto"
    FLOAT32 = "float32"
    MIXED = "mixed"
