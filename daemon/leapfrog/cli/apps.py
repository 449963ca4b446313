"""The command `leapfrog` and its groups, to which the files beside this one add their commands."""

import typer

app = typer.Typer(
    name="leapfrog",
    help="Reads X-ray and ultrasound images on the spot, writes reports, and sends them on when the network is up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Manage the model packages on this box.", no_args_is_help=True)
config_app = typer.Typer(help="Check the settings.", no_args_is_help=True)
journal_app = typer.Typer(help="Check the journal, or make it anew from the spool.", no_args_is_help=True)
station_app = typer.Typer(help="What identifies this box.", no_args_is_help=True)
bundle_app = typer.Typer(help="Settings and models from the district, in one signed file.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")
app.add_typer(journal_app, name="journal")
app.add_typer(station_app, name="station")
app.add_typer(bundle_app, name="bundle")
