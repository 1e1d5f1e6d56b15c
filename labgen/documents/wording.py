"""Turns the model's complaints into sentences that name what was probably meant."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from labgen.errors import meant
from labgen.problems import Loc
from labgen.wording import must_be, shown

DISCRIMINATORS = ("kind", "role")
"""The keys by whose value the branches of a union are told from each other, in any of the documents."""
RULES = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "a name has lower-case letters, digits, single dashes; a letter first",
    r"^[a-z][a-z0-9_]*$": "it has lower-case letters, digits, underscores; a letter first",
    r"^[A-Z][A-Z0-9_]*$": "it has capital letters, digits, underscores; a letter first",
    r"^[a-z]{2}$": "it is a code of two lower-case letters, like en",
    r"^[0-9a-f]{64}$": "it is a SHA-256 checksum: 64 digits from 0 to 9 and a to f",
    r"^[A-Za-z0-9][A-Za-z0-9.+~-]*$": "it is a version, like 1.8.7",
    r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$": "it is the name of a Python package, like python-etcd",
    r"^3[.][0-9]+$": "it is a version of Python, like 3.11",
    r"^https://.*\{version\}": "it is an address with {version} where the version stands, https://…",
    r"^h1:": "it is a checksum as Go writes it, h1:…",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "it is the name of a file beside the manifest",
    r"^[a-z0-9][a-z0-9._-]*$": "it is a file name of lower-case letters, digits, dots, dashes and underscores",
    r"^(/\.?[A-Za-z0-9_@:+-][A-Za-z0-9._@:+-]*)+$": "it is an absolute path of plain letters, without . and ..",
    r"^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$": "it is a user and a group, like root:root",
    r"^[a-z_][a-z0-9_-]*$": "it is the name of a user, like postgres",
    r"^/[^\s]*$": "it begins with a slash, and has no spaces",
    r"^0[0-7]{3}$": "it is a mode of four octal digits, like 0644",
    r"^[a-z0-9][a-z0-9.+-]+(=[0-9A-Za-z][0-9A-Za-z.+~:-]*)?$": (
        "it is a Debian package, like strace or haproxy=2.6.12-1"
    ),
    r"^[!-~]{1,20}$": "it is 1 to 20 plain characters without spaces",
    r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$": (
        "it is the path of a file below the document's folder"
    ),
    r"^([a-z][a-z0-9]*(-[a-z0-9]+)*/)?(install|configure|start)$": (
        "it is install, configure or start, or COMPONENT/start"
    ),
}
KINDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


def describe(model: type[BaseModel], error: ErrorDetails) -> tuple[Loc, str]:
    """Where in the document ERROR is and what to say about it."""
    loc = _document_loc(model, error["loc"])
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    name = str(loc[-1]) if loc else ""
    if kind == "missing":
        return loc[:-1], f"'{name}' is missing"
    if kind == "extra_forbidden":
        fields = fields_at(model, error["loc"][:-1])
        return loc, f"is no key here; {meant(name, fields)}"
    if kind == "literal_error":
        choices = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ", ").split(", ")]
        if not isinstance(given, str):
            return loc, must_be(f"one of {', '.join(choices)}", given)
        return loc, f"there is no {shown(given)} here; {meant(given, choices)}"
    if kind == "union_tag_invalid":
        tags = [part.strip(" '") for part in str(context["expected_tags"]).split(", ")]
        return loc, f"there is no {_key(context)} {shown(context['tag'])}; {meant(str(context['tag']), tags)}"
    if kind == "union_tag_not_found":
        return loc, f"'{_key(context)}' is missing"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return loc, f"{shown(given)} does not fit: {RULES.get(pattern, f'it must match {pattern}')}"
    if kind in KINDS:
        return loc, must_be(KINDS[kind], given)
    if kind in LIMITS:
        words, limit = LIMITS[kind]
        bound = context[limit]
        return loc, must_be(f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}", given)
    if kind in ("too_short", "string_too_short"):
        return loc, "must not be empty"
    if kind == "string_too_long":
        return loc, f"must have at most {context['max_length']} characters"
    if kind == "value_error":
        return loc, str(context["error"])
    message = str(error["msg"])
    return loc, f"{message[0].lower()}{message[1:]}, not {shown(given)}"


def yaml_problem(error: yaml.MarkedYAMLError) -> tuple[yaml.Mark | None, str]:
    """Where a text stops being YAML, and what to say about it."""
    problem, begun = error.problem or "", error.context_mark
    where = error.problem_mark or begun
    if "'\\t'" in problem:
        return where, "a tab stands where only spaces may: indent with spaces"
    if "mapping values are not allowed" in problem:
        return where, "a second ': ' in one line: put the value in quotes"
    if "expected <block end>" in problem:
        return where, "the indentation does not go with that of the lines above"
    if match := re.match(r"expected ',' or '([]}])'", problem):
        return begun, f"a ',' or the closing '{match[1]}' is missing"
    if "found unexpected end of stream" in problem or "found '<stream end>'" in problem:
        return begun, "this has no end: a closing bracket or quote is missing"
    if match := re.match(r"found undefined alias '(.*)'", problem):
        return where, f"*{match[1]} stands for nothing: there is no &{match[1]} before it"
    if match := re.match(r"could not determine a constructor for the tag '(.*)'", problem):
        return where, f"the tag {match[1]} is not known here: leave it out"
    if "expected a single document" in (error.context or ""):
        return where, "a second document begins here: a file holds one"
    return where, ", ".join(part for part in (error.context, problem) if part)


def _document_loc(model: type[BaseModel], loc: Loc) -> Loc:
    """LOC without the parts that name a union's branch or a key (`[key]`), which the document does not have."""
    out: list[str | int] = []
    here: Any = model
    for part in loc:
        if part == "[key]":
            continue
        if not _is_union(here):
            out.append(part)
        here = _inside(here, part)
    return tuple(out)


def fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at LOC knows."""
    here: Any = model
    for part in loc:
        here = _inside(here, part)
        if here is None:
            return []
    return [field.alias or name for name, field in here.model_fields.items()] if _is_model(here) else []


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inside(annotation: Any, part: int | str) -> Any:
    """The type of what PART leads to in a value of type ANNOTATION; None if nothing does."""
    if _is_model(annotation):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        field = fields.get(str(part))
        return _bare(field.annotation) if field else None
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is tuple and isinstance(part, int):
        return _bare(args[0])
    if origin is dict:
        return _bare(args[1])
    if _is_union(annotation):
        # A discriminated union puts the branch's tag into the path.
        for branch in map(_bare, args):
            if _is_model(branch) and part in _tags(branch):
                return branch
    return None


def _tags(branch: type[BaseModel]) -> tuple[str, ...]:
    """The words by which BRANCH is told from the others of its union."""
    for key in DISCRIMINATORS:
        if key in branch.model_fields:
            return get_args(branch.model_fields[key].annotation)
    return ()


def _key(context: Mapping[str, Any]) -> str:
    """The key by whose value pydantic tells the branches of a union from each other."""
    return str(context["discriminator"]).strip("'")


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if _is_union(annotation):
        branches = [branch for branch in get_args(annotation) if branch is not type(None)]
        if len(branches) == 1:
            return _bare(branches[0])
    return annotation
