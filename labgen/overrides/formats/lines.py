"""Files of lines, which belong to blocks or to the file itself; how they are written is a dialect's business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Dialect:
    """How a kind of file is written.

    depth: how many keys lead to a value: (least, most). opens: the key of the block that a line begins, or None.
    closes: whether a line ends the block it is in; None: the next one ends it. is_about: whether a line gives KEY its
    value. write: the line for KEY and VALUE, so deep in blocks. begin, end: the lines around a new block.
    repeats: whether a key may stand several times, with a list of values. words: whether keys are words of a line.
    named_by_two: keywords that say with the next word only what a line is about.
    """

    depth: tuple[int, int]
    opens: Callable[[str], str | None]
    closes: Callable[[str], bool] | None
    is_about: Callable[[str, str], bool]
    write: Callable[[str, Any, int], str]
    begin: Callable[[str, int], str]
    end: Callable[[int], str | None]
    repeats: bool = False
    words: bool = False
    named_by_two: frozenset[str] = frozenset()


@dataclass
class Block:
    """LineFormat, and blocks among them. `head` and `foot` are the lines around it; the file itself has none."""

    key: str = ""
    head: str | None = None
    foot: str | None = None
    inner: list[str | Block] = field(default_factory=list)


@dataclass(frozen=True)
class LineFormat:
    """A format that keeps every line that nobody wants changed, comments too."""

    dialect: Dialect

    def spelled(self, keys: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        """`timeout: [connect 5s, client 1m]` is about two keywords, and about no other that begins with timeout."""
        keys = tuple(" ".join(key.split()) for key in keys) if self.dialect.words else keys
        values = value if isinstance(value, (list, tuple)) else (value,)
        if not keys or keys[-1] not in self.dialect.named_by_two or not all(isinstance(one, str) for one in values):
            yield keys, value
            return
        lines: dict[str, list[str]] = {}
        for one in values:
            word, _, rest = one.strip().partition(" ")
            lines.setdefault(f"{keys[-1]} {word}".strip(), []).append(rest.strip())
        for key, rests in lines.items():
            yield (*keys[:-1], key), rests if len(rests) > 1 else rests[0]

    def example(self, keys: tuple[str, ...]) -> str | None:
        least, most = self.dialect.depth
        if least <= len(keys) <= most:
            return None
        blocks = ["BLOCK"] * ((least if len(keys) < least else most) - 1)
        return f"{'.'.join([*blocks, keys[-1] if keys else 'KEY'])}=VALUE"

    def problem(self, keys: tuple[str, ...], value: Any) -> str | None:
        least, most = self.dialect.depth
        if not least <= len(keys) <= most:
            number = str(least) if least == most else f"{least} to {most}"
            return f"takes {number} {'key' if most == 1 else 'keys, one in the other,'} for a value, not {len(keys)}"
        values = value if self.dialect.repeats and isinstance(value, (list, tuple)) else [value]
        for one in values:
            if isinstance(one, (Mapping, list, tuple)):
                lists = ", or a list of them" if self.dialect.repeats else ""
                return f"takes a string, a number, true or false there{lists}"
            if isinstance(one, str) and not one.isprintable():
                return "takes one line of printable characters there"
        return None

    def changed(self, text: str, changes: Mapping[str, Any]) -> str:
        root = _parse(text.splitlines(), self.dialect)
        self._change(root, changes, 0)
        return "".join(f"{line}\n" for line in _lines(root))

    def _change(self, block: Block, changes: Mapping[str, Any], depth: int) -> None:
        new: list[Block] = []
        for key, value in changes.items():
            if isinstance(value, Mapping):
                inner = next((it for it in block.inner if isinstance(it, Block) and it.key == key), None)
                if inner is None:
                    inner = Block(key, self.dialect.begin(key, depth), self.dialect.end(depth))
                    new.append(inner)
                self._change(inner, value, depth + 1)
            else:
                self._put(block, key, value, depth)
        for inner in new:
            # What refers to a block by its name has to come after it; all else is as good at the end.
            place = next((at for at, it in enumerate(block.inner) if _mentions(it, inner)), len(block.inner))
            apart: list[str | Block] = [inner, ""] if place < len(block.inner) else ["", inner]
            block.inner[place:place] = apart if depth == 0 else [inner]

    def _put(self, block: Block, key: str, value: Any, depth: int) -> None:
        """The line or lines of KEY, where the first of the old ones stood, else at the block's end."""
        old = [at for at, it in enumerate(block.inner) if isinstance(it, str) and self.dialect.is_about(it, key)]
        # A key without a value takes a whole block away, too.
        gone = [it for it in block.inner if isinstance(it, Block) and it.key == key] if value is None else []
        place = old[0] if old else _end(block)
        kept = [it for at, it in enumerate(block.inner) if at not in old and not any(it is one for one in gone)]
        values: Sequence[Any] = [] if value is None else value if isinstance(value, (list, tuple)) else [value]
        kept[place:place] = [self.dialect.write(key, one, depth) for one in values]
        block.inner = kept


def _mentions(it: str | Block, named: Block) -> bool:
    """Whether a line in the block IT has the name of the block NAMED among its words; blocks of one word have none."""
    words = named.key.split()
    if not isinstance(it, Block) or len(words) < 2:
        return False
    return any(words[-1] in line.split("#", maxsplit=1)[0].split() for line in _lines(it)[1:])


def _end(block: Block) -> int:
    """Where a line is added: after the last that says something, and in the file itself before the first block."""
    if block.head is None:
        return next((at for at, it in enumerate(block.inner) if isinstance(it, Block)), len(block.inner))
    at = len(block.inner)
    while at and isinstance(line := block.inner[at - 1], str) and not line.strip():
        at -= 1
    return at


def _parse(lines: Sequence[str], dialect: Dialect) -> Block:
    root = Block()
    stack = [root]
    for line in lines:
        if dialect.closes and len(stack) > 1 and dialect.closes(line):
            stack.pop().foot = line
            continue
        if (key := dialect.opens(line)) is not None:
            if dialect.closes is None:
                del stack[1:]
            block = Block(key, line)
            stack[-1].inner.append(block)
            stack.append(block)
            continue
        stack[-1].inner.append(line)
    return root


def _lines(block: Block) -> list[str]:
    found = [] if block.head is None else [block.head]
    for it in block.inner:
        found += [it] if isinstance(it, str) else _lines(it)
    return found if block.foot is None else [*found, block.foot]
