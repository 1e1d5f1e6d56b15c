"""Jinja with an end: which parts of it an expression may use, and how much it may do.

A template has only expressions, `if`, `for`, `set`, `raw` and comments. Whatever could make much of little, a loop, an
operator, a filter, a call, first takes from a budget of steps what it is going to cost: a step is a round of a loop, a
value, or eight characters of a text. So time and memory have a bound, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import FunctionType, MethodType
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.nodes import Node
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from labgen.lab.budget import PER_STEP, Budget, TooMuch

BUDGET = "budget "  # no name that a template could say
WIDEST = 999
TOO_WIDE = re.compile(r"[*]|[0-9]{4}")


# --- what there is ----------------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILTERS = _words("""
    abs batch capitalize count d default dictsort first float groupby indent int items join last length list lower
    map max min reject rejectattr replace reverse round select selectattr sort string sum title trim unique upper
    urlencode
""")
SIZED = frozenset(("batch", "indent", "round"))
"""Filters whose numbers say how much they make."""
METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (
        str,
        _words("""
        capitalize count endswith find index isalnum isalpha isdigit islower isupper join lower lstrip
        partition removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith
        strip title upper
        """),
    ),
    (Mapping, frozenset(("get", "items", "keys", "values"))),
    (list, frozenset(("count", "index"))),
    (tuple, frozenset(("count", "index"))),
    (LoopContext, frozenset(("changed", "cycle"))),
)
PARTS: tuple[type[Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.For,
    nodes.If,
    nodes.Assign,
    nodes.Name,
    nodes.NSRef,
    nodes.Const,
    nodes.Tuple,
    nodes.List,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.Getitem,
    nodes.Getattr,
    nodes.Slice,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
)
"""What a template may consist of; a block, a macro or an include is nothing that one of labgen's needs."""


def _range(*numbers: int) -> range:
    return range(*numbers)  # a loop over it pays for each round


# --- the price, in the tree that is compiled --------------------------------------------------------------------------

WEIGHED, EACH, JOINED = "weighed ", "each ", "joined "


def _priced(node: Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class _Prices(NodeTransformer):
    """Puts what counts around what costs; raises TemplateSyntaxError for what a template may not have."""

    def visit(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, PARTS) or (isinstance(node, nodes.For) and node.recursive):
            what = "a recursive loop" if isinstance(node, nodes.For) else f"'{type(node).__name__.lower()}'"
            raise TemplateSyntaxError(f"{what} cannot be used here", node.lineno)
        return super().visit(node, *args, **kwargs)

    def visit_Output(self, node: nodes.Output) -> Node:  # noqa: N802 - Jinja's names
        self.generic_visit(node)
        node.nodes = [it if isinstance(it, nodes.TemplateData) else _priced(it, WEIGHED) for it in node.nodes]
        return node

    def visit_For(self, node: nodes.For) -> Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _priced(node.iter, EACH)
        return node

    def visit_Concat(self, node: nodes.Concat) -> Node:  # noqa: N802
        self.generic_visit(node)
        return _priced(nodes.List(node.nodes, lineno=node.lineno), JOINED)

    def visit_Compare(self, node: nodes.Compare) -> Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _priced(node.expr, WEIGHED)
        for operand in node.ops:
            operand.expr = _priced(operand.expr, WEIGHED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            return _priced(node, WEIGHED)
        if not isinstance(node.arg, nodes.Const):
            node.arg = _priced(node.arg, WEIGHED)
        return node

    def visit_Tuple(self, node: nodes.Tuple) -> Node:  # noqa: N802
        self.generic_visit(node)
        return node if node.ctx == "store" else _priced(node, WEIGHED)

    def _made(self, node: Node) -> Node:
        self.generic_visit(node)
        return _priced(node, WEIGHED)

    visit_List = visit_Dict = _made  # noqa: N815


# --- the price, when it runs ------------------------------------------------------------------------------------------


def _budget(context: Context) -> Budget:
    found = context.parent[BUDGET]
    assert isinstance(found, Budget)  # noqa: S101 - every rendering has one
    return found


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    return _budget(context).weigh(value)


@pass_context
def _each(context: Context, value: Any) -> Iterator[Any]:
    return _budget(context).each(value)


@pass_context
def _joined(context: Context, values: Any) -> str:
    budget, parts = _budget(context), []
    for value in values:
        parts.append(str(budget.weigh(value)))
    return str(budget.weigh("".join(parts)))


NAMES = {"replace": ("old", "new"), "join": ("d",), "sum": ("attribute", "start")}
"""The parameters of filters that can be given by name as well."""


def _before(budget: Budget, name: str, value: Any, args: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    """Pay for what NAME, a filter or method, is going to make of VALUE, where that is more than it is given."""
    given = dict(zip(NAMES.get(name, ()), args, strict=False)) | dict(named)
    if name in SIZED:
        for number in (*args, *named.values()):
            if isinstance(number, int):
                budget.times(" " * (1 << PER_STEP), abs(number))
                budget.times(value, abs(number))
    elif name == "replace" and isinstance(value, str) and len(given) > 1:
        budget.times(str(given["new"]), value.count(str(given["old"])))
    elif name == "join":
        # A text's method joins what it is given, the filter joins what stands before it.
        separator, items = (value, args[0]) if isinstance(value, str) and args else (given.get("d", ""), value)
        if isinstance(items, (str, list, tuple)):
            budget.times(str(separator), len(items))
    elif name == "sum" and not isinstance(given.get("start", 0), (int, float)):
        raise TooMuch("only numbers have a sum")


def _before_format(budget: Budget, text: str, weight: int) -> None:
    """Pay for the `%` of TEXT and something that weighs WEIGHT, each part of which may be WIDEST wide."""
    if TOO_WIDE.search(text):
        raise TooMuch(f"a part of a text may be {WIDEST} characters wide")
    budget.spend(text.count("%") * (weight + (WIDEST >> PER_STEP)))


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter or test NAME, which pays for what it is given and for what it makes."""
    passed = getattr(function, "jinja_pass_arg", None)
    first: Callable[[Context], tuple[Any, ...]] = {
        None: lambda _: (),
        "context": lambda context: (context,),
        "eval_context": lambda context: (context.eval_ctx,),
        "environment": lambda context: (context.environment,),
    }[None if passed is None else passed.name]

    @pass_context
    @wraps(function)
    def counted(context: Context, value: Any, *args: Any, **named: Any) -> Any:
        budget = _budget(context)
        value = budget.weigh(value)
        args = tuple(map(budget.weigh, args))
        named = {key: budget.weigh(one) for key, one in named.items()}
        _before(budget, name, value, args, named)
        return budget.weigh(function(*first(context), value, *args, **named))

    counted.jinja_pass_arg = pass_context(lambda: None).jinja_pass_arg  # type: ignore[attr-defined]
    return counted


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Strict about names, tidy about blank lines; every rendering needs a `Budget` under the name BUDGET."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self, filters: Mapping[str, Callable[..., Any]], tests: Mapping[str, Callable[..., Any]]) -> None:
        # Not optimized: what is constant would be worked out while it is compiled, when nobody counts.
        super().__init__(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, optimized=False
        )
        kept: dict[str, Any] = {name: function for name, function in self.filters.items() if name in FILTERS}
        known: dict[str, Any] = dict(self.tests)
        self.filters = {name: _counted(name, function) for name, function in (kept | dict(filters)).items()}
        self.filters |= {WEIGHED: _weighed, EACH: _each, JOINED: _joined}
        self.tests = {name: _counted(name, function) for name, function in (known | dict(tests)).items()}
        self.globals = {"range": _range, "namespace": Namespace, "dict": dict}

    def _generate(self, source: nodes.Template, *args: Any, **named: Any) -> str:
        return super()._generate(_Prices().visit(source), *args, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        budget = _budget(context)
        if operator == "*":
            if isinstance(left, int) and isinstance(right, int):
                budget.number(left.bit_length() + right.bit_length())
            for many, count in ((left, right), (right, left)):
                if isinstance(count, int):
                    budget.times(many, count)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            budget.number(left.bit_length() * max(right, 1))
        budget.weigh(left)
        before = budget.left
        budget.weigh(right)
        if operator == "%" and isinstance(left, str):
            _before_format(budget, left, before - budget.left)
        return budget.weigh(super().call_binop(context, operator, left, right))

    def is_safe_callable(self, obj: Any) -> bool:
        """Functions of labgen's own, and the methods of plain values that make nothing large of nothing."""
        if not super().is_safe_callable(obj):
            return False
        if obj is Namespace or obj is dict:
            return True
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        for kind, methods in METHODS:
            if isinstance(owner, kind):
                return name in methods
        return isinstance(obj, (FunctionType, MethodType)) and str(obj.__module__).startswith("labgen.")

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as in Jinja
        budget = _budget(__context)
        args = tuple(map(budget.weigh, args))
        kwargs = {key: budget.weigh(value) for key, value in kwargs.items()}
        if isinstance(owner := getattr(__obj, "__self__", None), (str, list, tuple)):
            budget.weigh(owner)
            _before(budget, getattr(__obj, "__name__", ""), owner, args, kwargs)
        return budget.weigh(super().call(__context, __obj, *args, **kwargs))
