"""What a user wants different from the blueprint: values, configuration, packages, files and steps of their own."""

from labgen.overrides.document import OverridesFile, read_overrides
from labgen.overrides.model import OverridesDocument

__all__ = ["OverridesDocument", "OverridesFile", "read_overrides"]
