"""What a model is trained for, and which estimators serve that."""

from __future__ import annotations

from functools import cache

import yaml  # type: ignore[import-untyped]

from radexp.catalogue import choices, config_folder
from radexp.errors import require

CLASSIFICATION, CONTROL = "classification", "control"
TASKS = (CLASSIFICATION, CONTROL)
NO_DATA, DEFAULT_DATA = "none", "default"
DEFAULTS = {"model": CLASSIFICATION, "estimator": None}  # the task of a YAML without the key


def require_task(key: str, task: str | None) -> None:
    """Refuse a task that is none of ``TASKS``, nor null.

    Args:
        key: The key that it was given under.
        task: What was given.

    Raises:
        UsageError: If there is no such task.
    """
    require(
        task is None or task in TASKS,
        f"{key}={task}",
        f"{', '.join(TASKS)} or null",
        "leave it as the YAML has it",
    )


def options_for(group: str, task: str) -> list[str]:
    """Return the options of a group that serve a task, by the key ``task`` of their YAML.

    Without that key a model is for classification, and an estimator serves every task.

    Args:
        group: ``model`` or ``estimator``.
        task: One of ``TASKS``.

    Example:
        >>> options_for("model", "control")
        ['reactor']
    """
    return [name for name in choices(group) if _task_of(group, name) in (None, task)]


@cache  # a budget is solved by asking for many plans, and parsing takes half of each one's time
def _task_of(group: str, name: str) -> str | None:
    text = (config_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
    found: str | None = yaml.safe_load(text).get("task", DEFAULTS[group])
    return found
