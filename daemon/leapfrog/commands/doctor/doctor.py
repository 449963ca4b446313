"""Runs every check."""

from leapfrog.commands.doctor.actions import action_log_checks
from leapfrog.commands.doctor.box import Daemon, ask_for_daemon, box_checks, daemon_check
from leapfrog.commands.doctor.check import Check
from leapfrog.commands.doctor.engine import engine_checks
from leapfrog.commands.doctor.fonts import font_checks
from leapfrog.commands.doctor.models import model_checks, threshold_checks
from leapfrog.commands.doctor.printing import printing_checks
from leapfrog.commands.doctor.station import station_key_checks
from leapfrog.devices.kernel import kernel_devices
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings
from leapfrog.state.station.local_thresholds import local_thresholds


def examine(settings: Settings) -> tuple[Daemon, tuple[Check, ...]]:
    """Run every check, each after those that it depends on. Returns what the daemon said, too."""
    daemon = ask_for_daemon(settings)
    checks = [daemon_check(daemon), *box_checks(settings, daemon)]
    checks += printing_checks(settings.print)
    checks += engine_checks(settings, daemon.status, may_open_devices=not daemon.no_answer)
    has_devices = bool(kernel_devices()) or any(check.name.startswith("proof") for check in checks)
    packages = packages_in_use(settings)
    thresholds = local_thresholds(settings.state_dir, lambda: packages)
    checks += [*model_checks(packages, has_devices), *threshold_checks(thresholds)]
    checks += [*station_key_checks(settings.state_dir), *action_log_checks(settings.state_dir)]
    return daemon, (*checks, *font_checks())
