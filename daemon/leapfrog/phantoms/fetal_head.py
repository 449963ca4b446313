"""A made-up fetal head of known circumference, in simulated ultrasound.

Sound is simulated as it is scanned: along lines that fan out from a curved probe. Each place scatters at random
(fully developed speckle), strongly at the skull where it faces the probe. The echoes are blurred along and across the
line, their envelope is compressed to decibels, and the lines are arranged as a fan.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ROWS, COLUMNS = 540, 800  # of the image area
LINES, SAMPLES = 176, 420
PROBE_RADIUS_MM = 45.0
HALF_ANGLE = math.radians(39)
DYNAMIC_RANGE_DB = 55.0
SKULL_MM = 2.6
DECORRELATION = 0.18  # radians per frame: how fast one speckle pattern turns into another
BEAM_LINES, PULSE_SAMPLES = 0.9, 1.2  # standard deviations
SWAY_MM = 1.2
SWAY_FRAMES = 14


@dataclass(frozen=True)
class FetalHead:
    """The head: outer diameters of the skull (occipitofrontal, biparietal) and its tilt in degrees.

    `pixel_spacing_mm` is that of the picture, equal in both directions.
    """

    occipitofrontal_mm: float = 98.0
    biparietal_mm: float = 76.0
    tilt_degrees: float = 8.0
    pixel_spacing_mm: float = 0.19

    @property
    def circumference_mm(self) -> float:
        """The true head circumference: that of the ellipse around the skull (Ramanujan's second formula)."""
        a, b = self.occipitofrontal_mm / 2, self.biparietal_mm / 2
        h = ((a - b) / (a + b)) ** 2
        return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


def draw_fetal_head(head: FetalHead, frames: int, seed: int) -> NDArray[np.uint8]:
    """A short cine of `head`, which sways by about a millimetre: (frames, 540, 800), uint8."""
    generator = np.random.default_rng(seed)
    scan = _Scan(head.pixel_spacing_mm)
    first, second = (_scatterers(generator) for _ in range(2))
    tissue = _clouds(generator)
    pictures = []
    for frame in range(frames):
        sway = SWAY_MM * math.sin(2 * math.pi * frame / SWAY_FRAMES)
        echo = _echogenicity(head, scan, tissue, (sway, 0.4 * sway))
        turn = DECORRELATION * frame
        scattered = echo * (math.cos(turn) * first + math.sin(turn) * second)
        received = _received(scattered.astype(np.complex64))
        pictures.append(scan.converted(_compressed(received)))
    return np.stack(pictures)


class _Scan:
    """Where the samples of each line are in the picture, in mm, and how lines become a fan."""

    def __init__(self, pixel_spacing_mm: float) -> None:
        self.width_mm, self.height_mm = COLUMNS * pixel_spacing_mm, ROWS * pixel_spacing_mm
        depth_mm = self.height_mm + 4
        angles = np.linspace(-HALF_ANGLE, HALF_ANGLE, LINES)
        ranges = PROBE_RADIUS_MM + np.linspace(0, depth_mm, SAMPLES)
        apex_mm = 2 - PROBE_RADIUS_MM
        self.across_mm = np.sin(angles)[:, None] * ranges
        self.down_mm = apex_mm + np.cos(angles)[:, None] * ranges
        self.beam = np.sin(angles)[:, None], np.cos(angles)[:, None]
        self.depth = (ranges - PROBE_RADIUS_MM) / depth_mm

        x = (np.arange(COLUMNS) + 0.5) * pixel_spacing_mm - self.width_mm / 2
        y = (np.arange(ROWS)[:, None] + 0.5) * pixel_spacing_mm - apex_mm
        line = (np.arctan2(x, y) / HALF_ANGLE + 1) / 2 * (LINES - 1)
        sample = (np.hypot(x, y) - PROBE_RADIUS_MM) / depth_mm * (SAMPLES - 1)
        self._inside = (line >= 0) & (line <= LINES - 1) & (sample >= 0) & (sample <= SAMPLES - 1)
        self._line, self._sample = line[self._inside], sample[self._inside]

    def converted(self, lines: Floats) -> NDArray[np.uint8]:
        """Lines (LINES, SAMPLES), 0 to 1, as a picture (540, 800); black beside the fan."""
        line, sample = np.minimum(self._line.astype(int), LINES - 2), np.minimum(self._sample.astype(int), SAMPLES - 2)
        share_of_line, share_of_sample = self._line - line, self._sample - sample
        nearer = lines[line, sample] * (1 - share_of_line) + lines[line + 1, sample] * share_of_line
        farther = lines[line, sample + 1] * (1 - share_of_line) + lines[line + 1, sample + 1] * share_of_line
        picture = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
        picture[self._inside] = (nearer * (1 - share_of_sample) + farther * share_of_sample) * 255
        return picture


def _echogenicity(head: FetalHead, scan: _Scan, tissue: Floats, sway_mm: tuple[float, float]) -> Floats:
    """How strong the echo of each place is, as an amplitude (LINES, SAMPLES) relative to the brightest."""
    x, y = scan.across_mm - sway_mm[0], scan.down_mm - scan.height_mm * 0.53 - sway_mm[1]
    tilt = math.radians(head.tilt_degrees)
    along, beside = x * math.cos(tilt) + y * math.sin(tilt), y * math.cos(tilt) - x * math.sin(tilt)
    a, b = head.occipitofrontal_mm / 2, head.biparietal_mm / 2
    size = np.sqrt((along / a) ** 2 + (beside / b) ** 2)
    slope_along, slope_beside = along / a**2, beside / b**2
    steepness = np.hypot(slope_along, slope_beside) + 1e-9
    outside_mm = (size - 1) * size / steepness  # distance from the skull's outer edge, to first order

    normal_x = (slope_along * math.cos(tilt) - slope_beside * math.sin(tilt)) / steepness
    normal_y = (slope_along * math.sin(tilt) + slope_beside * math.cos(tilt)) / steepness
    facing = np.abs(normal_x * scan.beam[0] + normal_y * scan.beam[1])
    skull = np.exp(-(((outside_mm + SKULL_MM / 2) / (SKULL_MM / 2)) ** 4))

    level = 0.33 + 0.22 * tissue
    level = np.where(outside_mm < 5 + 7 * np.clip(x / a, 0, 1), 0.06, level)  # amniotic fluid, more of it on one side
    level = np.where(outside_mm < -SKULL_MM / 2, _brain(along / a, beside / b, tissue), level)
    wall = np.exp(-(((scan.depth * scan.height_mm - 6) / 5) ** 2))
    level = np.maximum(level, (0.45 + 0.2 * tissue) * wall)
    level = np.maximum(level, skull * (0.42 + 0.56 * facing**1.5))
    shadow = np.cumsum(skull * (1.2 - facing), axis=1) * (0.35 / SAMPLES * 8)
    level = level - np.minimum(shadow, 0.35) - 0.06 * scan.depth
    return np.asarray(10 ** ((level - 1) * DYNAMIC_RANGE_DB / 20), dtype=np.float32)


def _brain(along: NDArray[np.float64], beside: NDArray[np.float64], tissue: Floats) -> NDArray[np.float64]:
    """Brightness inside the skull, at places in fractions of its half axes: midline, ventricles, plexus, cavum."""
    level = 0.17 + 0.10 * tissue
    midline = np.exp(-((beside / 0.022) ** 2)) * (np.abs(along) < 0.8) * (np.abs(along - 0.45) > 0.13)
    level = level + 0.42 * midline
    for side in (-1, 1):
        wall = np.exp(-(((beside - side * (0.30 + 0.12 * along)) / 0.02) ** 2)) * (np.abs(along + 0.1) < 0.5)
        level = level + 0.18 * wall
        cavum = np.exp(-(((beside - side * 0.07) / 0.02) ** 2)) * (np.abs(along - 0.45) < 0.13)
        level = level + 0.30 * cavum
    plexus = ((along + 0.40) / 0.20) ** 2 + ((beside - 0.32) / 0.16) ** 2
    return np.asarray(level + 0.30 * np.exp(-(plexus**2)))


def _scatterers(generator: np.random.Generator) -> NDArray[np.complex64]:
    parts = generator.standard_normal((2, LINES, SAMPLES), dtype=np.float32)
    return np.asarray(parts[0] + 1j * parts[1], dtype=np.complex64)


def _clouds(generator: np.random.Generator) -> Floats:
    """Slow random variation of tissue over lines and samples, 0 to 1."""
    noise = _blurred(generator.standard_normal((LINES, SAMPLES)).astype(np.complex64), 7.0, 10.0).real
    return np.asarray(np.clip(0.5 + noise / (4 * noise.std()), 0, 1), dtype=np.float32)


def _received(scattered: NDArray[np.complex64]) -> Floats:
    """The envelope after the blur of beam and pulse, its power smoothed slightly, as machines do to reduce speckle."""
    field = _blurred(scattered, BEAM_LINES, PULSE_SAMPLES) * math.sqrt(4 * math.pi * BEAM_LINES * PULSE_SAMPLES)
    power = np.abs(field) ** 2 / 2
    power[1:-1] = (power[:-2] + 2 * power[1:-1] + power[2:]) / 4
    power[:, 1:-1] = (power[:, :-2] + 2 * power[:, 1:-1] + power[:, 2:]) / 4
    return np.asarray(np.sqrt(power), dtype=np.float32)


def _compressed(envelope: Floats) -> Floats:
    """Decibels below the brightest, from 0 (DYNAMIC_RANGE_DB and more) to 1."""
    decibels = 20 * np.log10(np.maximum(envelope, 1e-6))
    return np.asarray(np.clip(1 + decibels / DYNAMIC_RANGE_DB, 0, 1), dtype=np.float32)


def _blurred(values: NDArray[np.complex64], lines: float, samples: float) -> NDArray[np.complex64]:
    """`values` (LINES, SAMPLES) blurred by a Gaussian with these standard deviations."""
    across = np.fft.fftfreq(LINES)[:, None] * lines
    along = np.fft.fftfreq(SAMPLES)[None] * samples
    transfer = np.exp(-2 * np.pi**2 * (across**2 + along**2))
    return np.asarray(np.fft.ifft2(np.fft.fft2(values) * transfer), dtype=np.complex64)
