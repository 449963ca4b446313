"""A quick dose of what `tests/properties/run` does for longer."""

from hypothesis import HealthCheck, settings

from properties.machine import BoxMachine

TestBox = BoxMachine.TestCase
TestBox.settings = settings(
    max_examples=5,
    stateful_step_count=25,
    derandomize=True,  # what is new is sought by the command; here a change must break, not chance
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
