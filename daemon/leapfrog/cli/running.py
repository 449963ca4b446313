"""The box itself: commands that run it, set it up, check it and show it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leapfrog import tables
from leapfrog.cli.apps import app, config_app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import ConfigOption, JsonOption, LimitOption, ask, settings_of
from leapfrog.cli.output import SCREEN, print_json, screen_unless, show
from leapfrog.errors import UsageError
from leapfrog.settings import default_file, settings_in_use

if TYPE_CHECKING:
    from leapfrog.commands.install import Extras


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the daemon until it is stopped with Ctrl-C or SIGTERM."""
    from leapfrog.service import run_daemon  # each command loads only what it needs: `status` must answer at once

    raise typer.Exit(run_daemon(config or default_file()))


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results. Default: a temporary folder.")
    ] = None,
) -> None:
    """Show everything at work on made-up exams, with a district server that is down at first."""
    from leapfrog.commands.demo.demo import run_demo

    raise typer.Exit(run_demo(out))


@app.command()
def status(limit: LimitOption = 20, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the box is doing, what it still has to send, and what needs attention: then the exit status is 1."""
    box_status = ask(config, "status", limit=limit)
    show(box_status, as_json, [tables.status(box_status)])
    if box_status["attention"]:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Also write a zip file for support, without patient data."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the box, its engine and its models, and say what to do. The exit status is 1 if there is a problem."""
    from leapfrog.commands.doctor.bundle import write_bundle
    from leapfrog.commands.doctor.doctor import examine

    settings = settings_of(config)
    daemon, checks = examine(settings)
    if bundle is not None:
        write_bundle(bundle, settings, checks, daemon.status or {})
    lines = [line for check in checks for line in check.lines()]
    show({"checks": [check.model_dump() for check in checks]}, as_json, lines, unwrapped=True)
    if any(check.status == "problem" for check in checks):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def bench(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write bench.json and bench.png to this folder.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast this box is: each model on each engine, and reading whole images."""
    from leapfrog.commands.bench.command import run_bench

    measurements = run_bench(settings_of(config), out, screen_unless(as_json))
    if as_json:
        print_json(measurements)


@config_app.command("check")
def config_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the settings file and print warnings. The exit status is 2 if the file has errors."""
    from leapfrog.packages.signature import signature_policy

    file = config or default_file()
    in_use = settings_in_use(file)
    settings = in_use.settings
    signature_policy(
        settings.models.trusted_keys, settings.models.require_signature
    )  # raises SettingsError for a bad key
    found = [*([in_use.problem] if in_use.problem else []), *settings.warnings()]
    bundled = list(in_use.from_bundle())
    outcome = {"file": str(file) if file else None, "ok": True, "warnings": found, "from_bundle": bundled}
    origins = [f"From the district's {in_use.layers[0].name}: {', '.join(bundled)}."] if bundled else []
    warnings = [f"Warning: {warning}" for warning in found]
    show(outcome, as_json, [f"{file or 'Built-in defaults'}: OK", *origins, *warnings])


@app.command()
def install(
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Install below this folder.")] = Path("/"),
    *,
    web: Annotated[bool, typer.Option("--web", help="And what nginx needs to show the reports to tablets.")] = False,
    screen: Annotated[bool, typer.Option("--screen", help="And what shows the list on the box's own screen.")] = False,
    site: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="SITE.toml", help="Settings, files and models of this box, of many set up alike."
        ),
    ] = None,
    common: Annotated[
        Path | None,
        typer.Option("--common", metavar="COMMON.toml", help="What all of them have. Default: common.toml beside it."),
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="With --from: also make the user, and start it.")] = False,
) -> None:
    """Install the systemd unit, its user and folders, and a settings file with comments."""
    from leapfrog.commands.install import Extras, next_steps
    from leapfrog.commands.install import install as install_files

    extras = Extras(web=web, screen=screen)
    if site is not None:
        _install_from(site, common, root, extras, start=start)
        return
    if common is not None or start:
        raise UsageError("--common and --start belong to --from SITE.toml.")
    for path in install_files(root, extras):
        SCREEN.print(str(path))
    SCREEN.print(next_steps(root, extras), soft_wrap=True, markup=False)


def _install_from(site: Path, common: Path | None, root: Path, extras: "Extras", *, start: bool) -> None:
    from leapfrog.commands.site import set_up

    done = set_up(site, common, root, extras, start=start)
    for path in done.written:
        SCREEN.print(str(path), soft_wrap=True)
    for sentence in (*done.models, *done.notes):
        SCREEN.print(sentence, soft_wrap=True)
    if not (done.written or done.models):
        SCREEN.print("Nothing has changed.")
    if done.steps:
        SCREEN.print(done.steps, soft_wrap=True, markup=False)
    if done.settings_kept:
        SCREEN.print(
            "The settings of this box were changed by hand and are kept. Those of the site's file lie beside them, in"
            " leapfrog.toml.new: compare them, and put what shall count into the site's file or into the box's.",
            soft_wrap=True,
        )
        raise typer.Exit(EXIT_FAILED)
