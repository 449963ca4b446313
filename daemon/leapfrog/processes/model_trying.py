"""Has the model of a package run once before the package is used: in separate processes, since a runtime may crash or
hang on a file.
"""

from leapfrog.errors import EngineError
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.trial import Trials
from leapfrog.settings import EngineSettings

TRIAL_START_SECONDS = 60.0  # a start may take this long on a board that boots from an SD card
TRIAL_PROGRAM = "leapfrog.trials.model_trial"


def why_model_fails(package: ModelPackage, engine: EngineSettings, trials: Trials | None = None) -> str:
    """Why the model of `package` cannot run here, in a sentence; "" if it can. Raises EngineError when nobody knows,
    since the trial could not be started, or `trials` was stopped.
    """
    arguments = [
        "--package",
        str(package.folder),
        "--python",
        engine.interpreter,
        "--threads",
        str(engine.threads or 1),
    ]
    seconds = engine.deadline_seconds + TRIAL_START_SECONDS
    end = (trials or Trials()).run(our_program(TRIAL_PROGRAM, *arguments), seconds)
    if end.how == "stopped":
        raise EngineError("The trial of a model was stopped.")
    if end.how == "late":
        return "its model did not answer in time."
    if not end.status:
        return ""
    reason = end.printed.decode(errors="replace").strip() or f"The trial ended with status {end.status}."
    return f"its model was run once, and failed. {reason}"
