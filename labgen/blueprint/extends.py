"""`extends`: a small blueprint on top of another one, put together before anything of it is checked.

Mappings are joined key by key. Lists whose items have a `name` (nodes, paths, drills) or an `id` (corrections) are
joined item by item; what the base does not have is added. Any other value takes the place of the base's. `without`
names items and profiles of the base that are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labgen.documents import SUFFIXES, Loc, Parsed, Problem, Source, parse_document
from labgen.errors import DocumentError, UsageError
from labgen.wording import must_be

EXTENDS, WITHOUT = "extends", "without"
KEYS = {"nodes": "name", "paths": "name", "drills": "name", "corrections": "id"}
"""The lists that are joined, and what tells their items apart."""
DEEPEST = 5
"""Blueprints that extend one another."""

Find = Callable[[str], Path]


def put_together(path: Path, find: Find, kind: str, seen: tuple[Path, ...] = ()) -> Parsed:
    """The document at PATH, with what it extends below it; FIND gives the file of a blueprint's name.

    Raises DocumentError where there is nothing to extend, or one extends itself.
    """
    own = parse_document(path, kind=kind)
    if EXTENDS not in own.plain:
        return own
    name = own.plain[EXTENDS]
    base_path = _base(name, own, path, find)
    here = (*seen, path.resolve())
    if base_path.resolve() in here or len(here) >= DEEPEST:
        circle = " → ".join(file.name for file in (*here, base_path))
        raise DocumentError(
            [own.source.problem((EXTENDS,), f"goes round in a circle, or too far: {circle}")], kind=kind
        )
    base = put_together(base_path, find, kind, here)
    join = _Join(own.source, base.source, [*own.problems, *base.problems])
    left = join.without(base.plain, own.plain.get(WITHOUT, {}))
    above = {key: value for key, value in own.plain.items() if key not in (EXTENDS, WITHOUT)}
    plain = join.mapping(left, above, (), (), ())
    return Parsed(plain, join.source, join.problems)


def _base(name: Any, own: Parsed, path: Path, find: Find) -> Path:
    if not isinstance(name, str):
        raise DocumentError([own.source.problem((EXTENDS,), must_be("a blueprint's name, or a path", name))])
    beside = path.parent / name
    if ("/" in name or name.endswith(SUFFIXES)) and beside.is_file():
        return beside
    try:
        return find(name)
    except UsageError as why:
        raise DocumentError(
            [own.source.problem((EXTENDS,), f"{why.what}; {why.cure}" if why.cure else why.what)]
        ) from None


class _Join:
    """Joins two documents, and keeps for each value of the result where it stands, in whichever file that is."""

    def __init__(self, own: Source, base: Source, problems: list[Problem]) -> None:
        self._own, self._base = own, base
        self.source = Source(own.name, {(): own.place(())})
        self.problems = problems
        self._moved: dict[str, list[int]] = {}

    def without(self, base: Mapping[str, Any], left_out: Any) -> dict[str, Any]:
        """BASE without what LEFT_OUT names (key → names); the ways in to a node go with it."""
        kept = dict(base)
        if not isinstance(left_out, Mapping):
            self.problems.append(self._own.problem((WITHOUT,), must_be("a mapping of keys to values", left_out)))
            return kept
        for key, given in left_out.items():
            names = given if isinstance(given, tuple) else (given,)
            there = base.get(key)
            known = list(there) if isinstance(there, Mapping) else [_name(item, key) for item in there or ()]
            for at, name in enumerate(names):
                if name not in known:
                    what = f"there is no {name!r} in {key} of what is extended"
                    self.problems.append(self._own.problem((WITHOUT, key, at), what))
            if isinstance(there, Mapping):
                kept[key] = {name: value for name, value in there.items() if name not in names}
            else:
                self._keep(kept, key, lambda item, key=key, names=names: _name(item, key) not in names)  # type: ignore[misc]
            if key == "nodes":
                self._keep(kept, "paths", lambda path, names=names: _name(path, "host") not in names)  # type: ignore[misc]
        return kept

    def _keep(self, kept: dict[str, Any], key: str, stays: Callable[[Any], bool]) -> None:
        """Of the list KEY only what STAYS, remembering where in the base each item stood."""
        items = kept.get(key, ())
        places = self._moved.get(key, list(range(len(items))))
        both = [(place, item) for place, item in zip(places, items, strict=True) if stays(item)]
        self._moved[key] = [place for place, _ in both]
        kept[key] = tuple(item for _, item in both)

    def mapping(
        self, base: Mapping[str, Any], own: Mapping[str, Any], base_at: Loc, own_at: Loc, to: Loc
    ) -> dict[str, Any]:
        joined: dict[str, Any] = {}
        for key in dict.fromkeys((*base, *own)):
            here = (*to, key)
            if key not in own:
                joined[key] = self._copied(base[key], self._base, (*base_at, key), here)
            elif key not in base:
                joined[key] = self._copied(own[key], self._own, (*own_at, key), here)
            else:
                joined[key] = self._value(key, base[key], own[key], (*base_at, key), (*own_at, key), here)
        return joined

    def _value(self, key: str, base: Any, own: Any, base_at: Loc, own_at: Loc, to: Loc) -> Any:
        if isinstance(base, Mapping) and isinstance(own, Mapping):
            self._place(self._own, own_at, to)
            return self.mapping(base, own, base_at, own_at, to)
        if key in KEYS and isinstance(base, tuple) and isinstance(own, tuple):
            self._place(self._own, own_at, to)
            return self._items(key, base, own, base_at, own_at, to)
        return self._copied(own, self._own, own_at, to)

    def _items(self, key: str, base: tuple[Any, ...], own: tuple[Any, ...], base_at: Loc, own_at: Loc, to: Loc) -> Any:
        """Items of the base in their order, each with what is said of it here, then those that are new."""
        said = {_name(item, key): at for at, item in enumerate(own)}
        items: list[Any] = []
        for at, item in enumerate(base):
            place, here = (*base_at, self._moved[key][at] if key in self._moved else at), (*to, len(items))
            mine = said.pop(_name(item, key), None)
            if mine is None or not isinstance(item, Mapping) or not isinstance(own[mine], Mapping):
                items.append(self._copied(item, self._base, place, here))
            else:
                self._place(self._own, (*own_at, mine), here)
                items.append(self.mapping(item, own[mine], place, (*own_at, mine), here))
        for at in said.values():
            items.append(self._copied(own[at], self._own, (*own_at, at), (*to, len(items))))
        return tuple(items)

    def _copied(self, value: Any, source: Source, at: Loc, to: Loc) -> Any:
        """VALUE as it is; its places move along."""
        self._place(source, at, to)
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._copied(inner, source, (*at, key), (*to, key))
        elif isinstance(value, tuple):
            for number, inner in enumerate(value):
                self._copied(inner, source, (*at, number), (*to, number))
        return value

    def _place(self, source: Source, at: Loc, to: Loc) -> None:
        if place := source.places.get(at):
            self.source.places[to] = place


def _name(item: Any, key: str) -> Any:
    """What tells ITEM apart in the list KEY; where KEY is none of those lists, the value under it."""
    return item.get(KEYS.get(key, key)) if isinstance(item, Mapping) else item
