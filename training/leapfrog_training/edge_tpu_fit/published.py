"""Coral's published latencies, and the workload of the networks as `rebuilt.py` makes them.

Source: "Edge TPU performance benchmarks" on coral.ai: milliseconds per inference with a USB accelerator on a desktop
(USB 3) and on the Dev Board, whose Edge TPU is on PCIe. `leapfrog-train published --rebuild` recomputes the workloads.
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


# Milliseconds over USB 3 and over PCIe; operations, MACs, and bytes of parameters, of activations and over the bus.
PUBLISHED = (
    Published("MobileNet v1", 2.4, 2.4, Workload(31, 568_740_352, 4_212_108, 5_046_712, 151_528)),
    Published("MobileNet v2", 2.6, 2.6, Workload(65, 300_774_272, 3_474_010, 6_897_776, 151_528)),
    Published("Inception v1", 3.4, 4.1, Workload(82, 1_498_377_216, 6_613_066, 5_882_242, 151_529)),
    Published("Inception v4", 85.0, 102.0, Workload(189, 12_253_976_160, 42_619_842, 27_026_770, 269_204)),
    Published("Inception-ResNet v2", 57.0, 69.0, Workload(335, 13_155_794_016, 55_743_138, 42_489_712, 269_203)),
    Published("ResNet-50 v1", 49.0, 56.0, Workload(74, 7_211_875_072, 25_506_954, 31_310_736, 269_203)),
    Published("ResNet-50 v2", 50.0, 59.0, Workload(95, 6_536_211_200, 25_510_858, 36_492_816, 269_203)),
    Published("ResNet-152 v2", 128.0, 151.0, Workload(265, 20_210_821_888, 60_048_330, 85_658_128, 269_203)),
    Published("DenseNet-121", 20.0, 25.0, Workload(249, 2_834_161_664, 7_912_082, 28_991_676, 151_528)),
    Published("SqueezeNet", 2.1, 2.0, Workload(39, 835_814_912, 1_246_282, 7_793_304, 151_528)),
    Published("VGG16", 296.0, 343.0, Workload(23, 15_470_264_320, 138_345_090, 15_113_168, 151_528)),
    Published("VGG19", 308.0, 357.0, Workload(26, 19_632_062_464, 143_653_506, 16_417_744, 151_528)),
    Published("U-Net MobileNet v2 128", 3.3, 5.7, Workload(70, 585_512_960, 6_441_548, 3_889_664, 98_304)),
)
