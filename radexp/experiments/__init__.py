"""From whole configurations to runs and measurements, and their records."""

from radexp.experiments.folder import run_path
from radexp.experiments.jobs import execute, make_job
from radexp.experiments.measurement import Measurement
from radexp.experiments.plan import Plan, make_plan

__all__ = ["Measurement", "Plan", "execute", "make_job", "make_plan", "run_path"]
