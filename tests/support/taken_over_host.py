"""An engine host that a model takes over: at a ping it tries what `attacks.py` lists, and answers what came of it.

It runs as the engine host does, under any interpreter and without our folders on its import path.
"""

import os
import runpy
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

HOST = "LEAPFROG_TEST_HOST"  # the engine host's file


def _ping(_host: Any, _request: Any, _payload: Any) -> Any:
    return host.Answer({"ok": True, "came_of": attacks["try_all"](attacks["FORBIDDEN"])}, [])


if __name__ == "__main__":
    attacks = runpy.run_path(str(Path(__file__).with_name("attacks.py")))  # later it may not read them
    spec = spec_from_file_location("host", os.environ[HOST])
    assert spec is not None and spec.loader is not None
    host = module_from_spec(spec)
    spec.loader.exec_module(host)
    host.Host._ping = _ping
    sys.exit(host.main())
