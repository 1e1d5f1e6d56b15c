"""Configuration files of programs: changes, as nested keys, put into a finished file of each kind.

A key that is there gets its new value, one that is not is added, None takes it away; all else stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from labgen.overrides.formats.base import Format
from labgen.overrides.formats.document import Json, Yaml
from labgen.overrides.formats.lines import LineFormat
from labgen.overrides.formats.sections import ENV, HAPROXY, HCL, INI, KEEPALIVED

FORMATS: Mapping[str, Format] = {
    "env": LineFormat(ENV),
    "haproxy": LineFormat(HAPROXY),
    "hcl": LineFormat(HCL),
    "ini": LineFormat(INI),
    "json": Json(),
    "keepalived": LineFormat(KEEPALIVED),
    "yaml": Yaml(),
}
"""The name that a manifest gives → how a file of this kind is changed."""

__all__ = ["FORMATS", "Format"]
