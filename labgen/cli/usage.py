"""What was typed wrongly, in labgen's words: what, where, what next. click says the same, and no more, in its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from labgen.errors import LabgenError, UnknownNameError, UsageError, meant

ALIKE = {
    "up": "apply boot create deploy new provision run start",
    "status": "inspect info ps",
    "list": "labs ls",
    "halt": "down pause poweroff shutdown stop suspend",
    "destroy": "clean delete remove rm undeploy",
    "ssh": "attach bash connect console enter login shell",
    "verify": "check health test",
    "show": "describe get",
    "graph": "diagram draw plot topology",
    "drill": "break chaos fault inject",
    "checkpoint": "save snapshot",
    "switchover": "failover promote",
}
"""Command → the words that others have for it: docker's, Vagrant's, containerlab's, netlab's."""

COMMANDS = {word: name for name, words in ALIKE.items() for word in words.split()}
NO_COMMAND = re.compile(r"No such command '(?P<word>.*?)'\..*", re.DOTALL)
EXTRA = re.compile(r"Got unexpected extra argument\S* \((?P<words>.*)\)", re.DOTALL)
NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}


def told(error: Any, words: Sequence[str] = ()) -> LabgenError | None:
    """What labgen says instead of ERROR of click's; None where that is no error, or said as well as can be.

    WORDS: all that were typed after a group's name.
    """
    context = getattr(error, "ctx", None)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":
        return None
    where = context.command_path
    match type(error).__name__:
        case "MissingParameter":
            return UsageError(f"{_name(error.param)} is missing", where=where, cure=_choices(error.param, context))
        case "NoSuchOption":
            known = [option for param in context.command.params for option in param.opts if option.startswith("--")]
            return UnknownNameError("option", error.option_name, [*known, "--help"], where=where)
        case "BadParameter":
            return UsageError(_bad(error), where=where, cure=f"{where} --help")
    if found := NO_COMMAND.fullmatch(error.message):
        word = found["word"]
        return UsageError(f"no command is called '{word}'", where=where, cure=_command(word, context, words))
    if found := EXTRA.fullmatch(error.message):
        return UsageError(f"{where} takes no further word: {found['words']}", cure=_usage(context))
    message = error.format_message()
    return UsageError(message[:1].lower() + message[1:].rstrip("."), where=where, cure=f"{where} --help")


def _bad(error: Any) -> str:
    """A value that an option or argument does not take."""
    about = getattr(getattr(error.param, "type_descriptor", None), "annotation", None)
    if about in NUMBERS:
        least, most = error.param.min, error.param.max
        bounds = f", {least} at least" * (least is not None) + f", {most} at most" * (most is not None)
        return f"{_name(error.param)} takes {NUMBERS[about]}{bounds}"
    return f"{_name(error.param)}: {error.message[:1].lower()}{error.message[1:].rstrip('.')}"


def _name(param: Any) -> str:
    """As the command's usage has it."""
    if param is None:
        return "a value"
    long = [option for option in param.opts if option.startswith("--")]
    name = str(long[0] if long else (param.metavar or param.name)).strip("{}")
    return name[1:-1] if name.endswith("]") else name


def _choices(param: Any, context: Any) -> str:
    """What could stand there, by what a shell would complete; else how the command is typed."""
    names = sorted(item.value for item in param.shell_complete(context, "")) if param is not None else []
    usage = _usage(context)
    return f"{usage}\nthere is: {', '.join(names)}" if names else usage


def _usage(context: Any) -> str:
    """The command with its arguments, and those options that may say what a superfluous word was to say."""
    words = [context.command_path]
    for param in context.command.params:
        if param.param_type_name == "argument":
            words.append(_name(param) if param.required else f"[{_name(param)}]")
        elif getattr(param, "expose_value", True) and not param.is_flag and param.metavar:
            words.append(f"[{_name(param)} {param.metavar}]")
    return " ".join(words)


def _command(word: str, context: Any, words: Sequence[str]) -> str:
    """The command that was meant, with the words around it where they only have to be turned round."""
    names, path = context.command.list_commands(context), context.command_path
    rest = list(words[words.index(word) + 1 :]) if word in words else []
    if swapped := next((other for other in rest if other in names), None):
        rest.remove(swapped)
        return f"the command comes first: {' '.join([path, swapped, word, *rest])}"
    if (alike := COMMANDS.get(word)) in names and alike:
        return f"did you mean '{alike}'? {path} {' '.join([alike, *rest])}".rstrip()
    if word in _labs():
        return f"a command comes first: {path} {'|'.join(names) if context.parent else f'up {word}'}"
    return meant(word, names)


def _labs() -> list[str]:
    from labgen.cli.options import complete_blueprints

    return complete_blueprints("")
