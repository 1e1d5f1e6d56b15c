"""Jinja over a lab's values: what templates, `env:` values and rules in a manifest may use.

lab, node, p (this component's parameters on this node), params(component, node), nodes(component, …), member(node) (the
name that Patroni there goes by), configured(key, component, node) (what overrides put under a key of the component's
configuration file, or nothing), versions, secrets, the test `below` for versions (`versions.x is below('3.0.4')`) and
the filter `seconds` for texts like 500ms and 3s. A third party's template runs in Jinja's sandbox, with bounds
(`sandbox.py`): it sees data, not Python, and comes to an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Template, TemplateError, TemplateRuntimeError

from labgen.components.versions import is_below
from labgen.lab.budget import Budget
from labgen.lab.model import Lab, Node, Values
from labgen.lab.quoting import FILTERS
from labgen.lab.sandbox import BUDGET, BoundedEnvironment
from labgen.lab.secrets import Secrets
from labgen.reading import read_plain

T = TypeVar("T")

LARGEST = 1 << 18  # bytes of a template


class Expressions:
    """Renders text in the light of one lab; `secrets` is empty where no secret may be seen, as in rules."""

    def __init__(self, lab: Lab, secrets: Secrets | None = None) -> None:
        self._lab = lab
        self._secrets: Secrets = secrets or {}
        self._budget = Budget()

    def context(self, node: Node, component: str) -> Mapping[str, Any]:
        """The names a template of COMPONENT sees on NODE."""

        def params(other: str, on: Node = node) -> Values:
            if other not in on.settings:
                raise TemplateRuntimeError(f"there is no {other} on {on.name}")
            return on.settings[other]

        # Not the Lab itself: through its components' folders a template would reach the controller's files.
        lab = {key: getattr(self._lab, key) for key in ("name", "network", "os", "profile", "provider")}
        return {
            "lab": lab,
            "node": node,
            "p": node.settings[component],
            "params": params,
            "configured": lambda key, other=component, on=node: at_key(on.config.get(other), key),
            "nodes": self._lab.nodes_with,
            "member": self._lab.member,
            "versions": self._lab.versions,
            "secrets": self._secrets,
            BUDGET: self._budget,
        }

    def text(self, source: str, node: Node, component: str) -> str:
        """SOURCE rendered; raises jinja2.TemplateError."""
        with _template_errors():
            return self._rendered(_text(source), node, component)

    def holds(self, expression: str, node: Node, component: str) -> bool:
        """Whether the Jinja EXPRESSION is true; raises jinja2.TemplateError."""
        return self.value(expression, node, component, bool)

    def value(self, expression: str, node: Node, component: str, kind: Callable[[Any], T]) -> T:
        """What the Jinja EXPRESSION is worth, as KIND makes it of that; raises jinja2.TemplateError."""
        with _template_errors():
            return kind(_condition(expression)(self.context(node, component)))

    def file(self, path: Path, node: Node, component: str) -> str:
        """The template at PATH rendered; raises jinja2.TemplateError."""
        with _template_errors():
            return self._rendered(_template(path), node, component)

    def _rendered(self, template: Template, node: Node, component: str) -> str:
        parts = []
        for part in template.generate(self.context(node, component)):
            self._budget.weigh(part)
            parts.append(part)
        return "".join(parts)


def at_key(tree: Any, key: str) -> Any:
    """What stands under KEY (`bootstrap.dcs.ttl`) in a TREE of mappings; None if nothing does."""
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


@contextmanager
def _template_errors() -> Iterator[None]:
    """Whatever goes wrong in a template is the template's fault: a wrong type, a division by zero, a text not UTF-8."""
    try:
        yield
    except TemplateError:
        raise
    except Exception as error:
        raise TemplateRuntimeError(str(error) or type(error).__name__) from error


def reason(error: TemplateError) -> str:
    """What is wrong with a template, in a line."""
    text = error.message or type(error).__name__
    if unknown := re.search(r"has no attribute '(.*)'$|^'(.*)' is undefined$", text):
        return f"there is no value '{unknown[1] or unknown[2]}'"
    if lacking := re.search(r"has no element (\d+)$", text):
        return f"a list there has no item {lacking[1]}"
    return text.splitlines()[0]


def seconds(text: str) -> float:
    """The seconds that a text like `500ms` or `3s` means; raises ValueError for any other."""
    found = re.fullmatch(r"(\d+)(ms|s|m)", text)
    if not found:
        raise ValueError(f"'{text}' is no time like 500ms, 3s or 1m")
    return int(found[1]) * {"ms": 0.001, "s": 1, "m": 60}[found[2]]


@cache
def environment() -> BoundedEnvironment:
    """The one Jinja environment, with a filter for each language."""
    return BoundedEnvironment({**FILTERS, "seconds": seconds}, {"below": is_below})


# A manifest's texts are the same for all nodes and profiles, and compiling one takes longer than rendering it.


@cache
def _text(source: str) -> Template:
    return environment().from_string(source)


@cache
def _condition(expression: str) -> Any:
    return environment().compile_expression(expression, undefined_to_none=False)


@cache
def _template(path: Path) -> Template:
    return environment().from_string(read_plain(path, LARGEST).decode("utf-8").replace("\r\n", "\n"))
