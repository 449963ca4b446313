"""Coral's published latencies, and the work of the networks as `rebuilt.py` makes them.

Source: "Edge TPU performance benchmarks" on coral.ai, milliseconds of an inference with a USB accelerator on a desktop
(USB 3) and on the Dev Board, whose Edge TPU is on PCIe. `leapfrog-train published --rebuild` makes the work anew.
"""

from dataclasses import dataclass

from leapfrog_training.edge_tpu_fit.workload import Workload


@dataclass(frozen=True)
class Published:
    """A network of the table with its latencies in milliseconds."""

    name: str
    usb3_ms: float
    dev_board_ms: float
    work: Workload


PUBLISHED = (
    Published(
        "MobileNet v1",
        2.4,
        2.4,
        Workload(
            operations=31,
            macs=568_740_352,
            parameter_bytes=4_212_108,
            activation_bytes=5_046_712,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "MobileNet v2",
        2.6,
        2.6,
        Workload(
            operations=65,
            macs=300_774_272,
            parameter_bytes=3_474_010,
            activation_bytes=6_897_776,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "Inception v1",
        3.4,
        4.1,
        Workload(
            operations=82,
            macs=1_498_377_216,
            parameter_bytes=6_613_066,
            activation_bytes=5_882_242,
            bus_bytes=151_529,
        ),
    ),
    Published(
        "Inception v4",
        85.0,
        102.0,
        Workload(
            operations=189,
            macs=12_253_976_160,
            parameter_bytes=42_619_842,
            activation_bytes=27_026_770,
            bus_bytes=269_204,
        ),
    ),
    Published(
        "Inception-ResNet v2",
        57.0,
        69.0,
        Workload(
            operations=335,
            macs=13_155_794_016,
            parameter_bytes=55_743_138,
            activation_bytes=42_489_712,
            bus_bytes=269_203,
        ),
    ),
    Published(
        "ResNet-50 v1",
        49.0,
        56.0,
        Workload(
            operations=74,
            macs=7_211_875_072,
            parameter_bytes=25_506_954,
            activation_bytes=31_310_736,
            bus_bytes=269_203,
        ),
    ),
    Published(
        "ResNet-50 v2",
        50.0,
        59.0,
        Workload(
            operations=95,
            macs=6_536_211_200,
            parameter_bytes=25_510_858,
            activation_bytes=36_492_816,
            bus_bytes=269_203,
        ),
    ),
    Published(
        "ResNet-152 v2",
        128.0,
        151.0,
        Workload(
            operations=265,
            macs=20_210_821_888,
            parameter_bytes=60_048_330,
            activation_bytes=85_658_128,
            bus_bytes=269_203,
        ),
    ),
    Published(
        "DenseNet-121",
        20.0,
        25.0,
        Workload(
            operations=249,
            macs=2_834_161_664,
            parameter_bytes=7_912_082,
            activation_bytes=28_991_676,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "SqueezeNet",
        2.1,
        2.0,
        Workload(
            operations=39,
            macs=835_814_912,
            parameter_bytes=1_246_282,
            activation_bytes=7_793_304,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "VGG16",
        296.0,
        343.0,
        Workload(
            operations=23,
            macs=15_470_264_320,
            parameter_bytes=138_345_090,
            activation_bytes=15_113_168,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "VGG19",
        308.0,
        357.0,
        Workload(
            operations=26,
            macs=19_632_062_464,
            parameter_bytes=143_653_506,
            activation_bytes=16_417_744,
            bus_bytes=151_528,
        ),
    ),
    Published(
        "U-Net MobileNet v2 128",
        3.3,
        5.7,
        Workload(
            operations=70,
            macs=585_512_960,
            parameter_bytes=6_441_548,
            activation_bytes=3_889_664,
            bus_bytes=98_304,
        ),
    ),
)
