"""Which scripts run on which node, and what each waits for."""

from labgen.plan.build import build_plan
from labgen.plan.model import Plan, Step, StepId
from labgen.plan.until import by_component, left_out, plan_until

__all__ = ["Plan", "Step", "StepId", "build_plan", "by_component", "left_out", "plan_until"]
