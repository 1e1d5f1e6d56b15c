"""Reads a YAML file into a model and keeps, for every value, the line and column it came from.

All problems of a document come back together, as values that know their place.
"""

from labgen.documents.model import Document, Draft, checked, draft_document, read_document
from labgen.documents.problem import Loc, Place, Problem, Source, path_text
from labgen.documents.text import SUFFIXES, Parsed, parse_document, parse_value, shown

__all__ = [
    "SUFFIXES",
    "Document",
    "Draft",
    "Loc",
    "Parsed",
    "Place",
    "Problem",
    "Source",
    "checked",
    "draft_document",
    "parse_document",
    "parse_value",
    "path_text",
    "read_document",
    "shown",
]
