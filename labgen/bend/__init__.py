"""What a user wants different from the blueprint: values, configuration, packages, files and steps of their own."""

from labgen.bend.document import BendFile, read_bend
from labgen.bend.model import Bend

__all__ = ["Bend", "BendFile", "read_bend"]
