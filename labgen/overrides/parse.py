"""What is to be different from the blueprint: `--set path=value`, and overrides documents (`-f FILE`).

`os=debian-12`, `box=…`, `versions.COMPONENT=3.0.4`, `network.cidr=10.77.5.0/24`, `nodes.NODE.memory=512`,
`COMPONENT.PARAMETER=value` for all nodes that carry it, and `nodes.NODE.COMPONENT.PARAMETER=value` for one of them; a
key of a parameter that is a map by `COMPONENT.PARAMETER.KEY=value`. `config.COMPONENT.KEY…=value` and
`nodes.NODE.config.COMPONENT.KEY…=value`: any key of a component's configuration file. `packages=[strace]`.

A document says the same, and is taken apart into the same assignments; what is later goes over what was before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labgen.blueprint.model import Blueprint
from labgen.components.registry import Component
from labgen.errors import DocumentError, UsageError
from labgen.overrides.apply import Applier
from labgen.overrides.assignment import of_document, of_word
from labgen.overrides.document import OverridesFile
from labgen.overrides.result import Overrides


def parse_overrides(
    words: Sequence[str],
    blueprint: Blueprint,
    components: Mapping[str, Component],
    files: Sequence[OverridesFile] = (),
) -> Overrides:
    """Sort and check FILES, then WORDS, which go over them.

    Raises UsageError naming the word that does not fit, DocumentError with every problem of a file.
    """
    overrides = Overrides()
    apply = Applier(overrides, blueprint, components)
    for file in files:
        problems = []
        for loc, assign in of_document(file, apply):
            try:
                assign()
            except UsageError as why:
                problems.append(file.problem(loc, f"{why.what}; {why.cure}" if why.cure else why.what))
        if problems:
            raise DocumentError(file.source.sort(problems), kind="overrides document")
    for word in words:
        apply(of_word(word))
    return overrides
