"""Has every rendered file checked by the program that will read it, inside the image, before anything boots."""

from labgen.lint.checks import FileCheck, NodeFile, checks_of
from labgen.lint.passed import Passed, passed_key
from labgen.lint.run import Complaint, ImageLint, image_lint, run_lint

__all__ = [
    "Complaint",
    "FileCheck",
    "ImageLint",
    "NodeFile",
    "Passed",
    "checks_of",
    "image_lint",
    "passed_key",
    "run_lint",
]
