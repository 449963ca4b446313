"""The estimate of latency against Coral's published figures."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from leapfrog_training.cli import app
from leapfrog_training.edge_tpu_fit.latency import BUSES, coefficients, error_factor, estimate, left_out
from leapfrog_training.edge_tpu_fit.published import PUBLISHED
from leapfrog_training.edge_tpu_fit.workload import Workload


def terms(work: Workload) -> NDArray[np.float64]:
    streamed = max(0.0, work.parameter_bytes - 6.9 * 2**20)
    return np.array([work.operations, work.macs, work.activation_bytes, streamed])


def test_the_fit_finds_a_law_that_it_is_given() -> None:
    law = np.array([0.02, 2e-9, 3e-7, 4e-6])

    def follows(number: int) -> float:
        return float(law @ terms(PUBLISHED[number].work))

    networks = [replace(network, usb3_ms=follows(number)) for number, network in enumerate(PUBLISHED)]
    found = coefficients("usb3", networks)
    assert found == pytest.approx(law, rel=1e-6)


def test_a_network_that_is_left_out_has_no_part_in_its_own_prediction() -> None:
    one = left_out("usb3")[0]
    others = [network for network in PUBLISHED if network is not one.network]
    assert one.predicted_ms == pytest.approx(float(coefficients("usb3", others) @ terms(one.network.work)))


@pytest.mark.parametrize("bus", ["usb3", "pcie"])
def test_the_error_that_is_stated_holds_for_four_of_five_networks_left_out(bus: str) -> None:
    factor = error_factor(bus)  # type: ignore[arg-type]
    within = [1 / factor <= one.factor <= factor for one in left_out(bus)]  # type: ignore[arg-type]
    assert np.mean(within) >= 0.7
    assert factor < 2.0


def test_a_slower_bus_and_more_parameters_take_longer() -> None:
    work = PUBLISHED[0].work
    heavy = replace(work, parameter_bytes=work.parameter_bytes + 30 * 2**20)
    assert estimate(work, "usb2").milliseconds > estimate(work, "usb3").milliseconds
    assert all(estimate(heavy, bus).milliseconds > estimate(work, bus).milliseconds for bus in BUSES)


def test_published_shows_each_network_beside_its_prediction() -> None:
    result = CliRunner().invoke(app, ["published"])
    assert result.exit_code == 0
    assert all(result.stdout.count(network.name.split()[0]) >= 2 for network in PUBLISHED)
