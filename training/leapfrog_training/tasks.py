"""The packages that can be made here, and the task of each."""

from collections.abc import Mapping
from typing import Any

from leapfrog_training.chest.task import CHEST
from leapfrog_training.child.task import CHILD
from leapfrog_training.head.task import HEAD
from leapfrog_training.nerve.task import NERVE
from leapfrog_training.run.folder import PackageName
from leapfrog_training.task import Task

TASKS: Mapping[PackageName, Task[Any, Any]] = {
    PackageName.CHEST_FINDINGS: CHEST,
    PackageName.CHEST_CHILD: CHILD,
    PackageName.FETAL_HEAD: HEAD,
    PackageName.NERVE: NERVE,
}
