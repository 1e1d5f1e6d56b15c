"""Which scripts run on which node, and what each waits for."""

from labgen.plan.build import build_plan
from labgen.plan.model import Plan, Step, StepId

__all__ = ["Plan", "Step", "StepId", "build_plan"]
