"""Reads a YAML file into a model and keeps, for every value, the line and column it came from.

All problems of a document come back together, as values that know their place. What needs pydantic is in
`model`; the rest does without, so that a list of blueprints is quick.
"""

from labgen.documents.text import SUFFIXES, Parsed, parse_document, parse_value, read_document_bytes, shown
from labgen.problems import Loc, Place, Problem, Source, path_text

__all__ = [
    "SUFFIXES",
    "Loc",
    "Parsed",
    "Place",
    "Problem",
    "Source",
    "parse_document",
    "parse_value",
    "path_text",
    "read_document_bytes",
    "shown",
]
