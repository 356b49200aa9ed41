"""From whole configurations to runs and their records."""

from radexp.experiments.plan import Plan, make_plan
from radexp.experiments.run import execute, run_path

__all__ = ["Plan", "execute", "make_plan", "run_path"]
