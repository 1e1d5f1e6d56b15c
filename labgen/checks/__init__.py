"""Checks: proofs, asked from the machines themselves, that a lab is what its blueprint promises."""

from labgen.checks.context import Check, Context, Failed, Unknown
from labgen.checks.model import CheckOutcome, CheckReport, CheckResult, Evidence, Status
from labgen.checks.registry import check_names, lab_checks
from labgen.checks.report import to_json, to_junit
from labgen.checks.runner import run_checks
from labgen.checks.table import report_table, result_line

__all__ = [
    "Check",
    "CheckOutcome",
    "CheckReport",
    "CheckResult",
    "Context",
    "Evidence",
    "Failed",
    "Status",
    "Unknown",
    "check_names",
    "lab_checks",
    "report_table",
    "result_line",
    "run_checks",
    "to_json",
    "to_junit",
]
