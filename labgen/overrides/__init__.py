"""What a user wants different from the blueprint: values, configuration, packages, files and steps of their own."""

from labgen.overrides.document import BendFile, read_bend
from labgen.overrides.model import Bend

__all__ = ["Bend", "BendFile", "read_bend"]
