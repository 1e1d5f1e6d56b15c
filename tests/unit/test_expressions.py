"""What templates, `env:` values and rules may use, and what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateError
from labs import lab, write_component

from labgen.errors import UsageError
from labgen.lab.budget import Budget
from labgen.lab.expressions import Expressions, environment, reason
from labgen.lab.model import Lab
from labgen.render.nodes import render_nodes

PARAMETERS = """\
parameters:
  role: {type: string, choices: [server, client], default: client, doc: its part}
  port: {type: integer, default: 5432, doc: a port}
  flag: {type: boolean, default: true, doc: yes or no}
secrets:
  password: {kind: password, doc: a password}
"""
SECRETS = {"agent": {"password": "se'cret"}}


@pytest.fixture
def sample(tmp_path: Path) -> Lab:
    write_component(tmp_path / "components", "agent", PARAMETERS, {"start.sh": ""})
    write_component(tmp_path / "components", "other", "versions: {debian-13: '17'}\n", {"start.sh": ""})
    nodes = {"one": ["agent"], "two": ["agent", "other"], "three": ["other"]}
    return lab(tmp_path, nodes, "", "nodes.two.agent.role=server", "nodes.two.agent.port=6000")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ lab.name }} {{ lab.os }} {{ lab.profile }} {{ lab.provider }}", "sample debian-13 modern docker"),
        ("{{ lab.network.cidr }} {{ lab.network.prefix }}", "192.168.60.0/24 24"),
        ("{{ versions.other is below('17.1') }} {{ versions.other is below('17.0') }}", "True False"),
        ("{{ '3.0.10' is below('3.0.9') }} {{ '2.0' is not below '2.0.0' }}", "False True"),
        ("{{ lab.network.interface('192.168.60.55') }}", "192.168.60.55/24"),
        ("{{ node.name }} {{ node.address }} {{ node.components | join(' ') }}", "two 192.168.60.12 agent other"),
        ("{{ p.role }} {{ p.port }}", "server 6000"),
        ("{{ params('agent').port }} {{ params('agent', nodes('agent')[0]).port }}", "6000 5432"),
        ("{{ nodes('agent', role='server') | map(attribute='name') | join }}", "two"),
        ("{{ nodes('agent') | length }} {{ nodes('nobody') | length }}", "2 0"),
        ("{{ versions.other }}", "17"),
        ("{{ secrets.agent.password | sql_literal }}", "'se''cret'"),
        ("{{ p.flag | shell }} {{ p.flag | json }}", "true true"),
        ("a\n{% if p.role == 'server' %}\nb\n{% endif %}\nc\n", "a\nb\nc\n"),
    ],
)
def test_context(sample: Lab, source: str, text: str) -> None:
    assert Expressions(sample, SECRETS).text(source, sample.node("two"), "agent") == text


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ p.rolle }}", "there is no value 'rolle'"),
        ("{{ pp }}", "there is no value 'pp'"),
        ("{{ p.role", "unexpected end of template, expected 'end of print statement'."),
        ("{{ p.role | nofilter }}", "No filter named 'nofilter'."),
        ("{{ params('other').x }}", "there is no other on one"),
        ("{{ params('agent', nodes('nobody')[0]).port }}", "a list there has no item 0"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ p.role + 1 }}", None),
        ("{{ lab.node('nobody') }}", None),
        ("{{ lab.network.interface('x') }}", None),
        ("{% for i in range(1000000000) %}{% endfor %}", None),
        ("{% include 'x' %}", None),
        ("{{ none | shell }}", "there is no value to quote"),
    ],
)
def test_a_faulty_template_is_named(sample: Lab, source: str, why: str | None) -> None:
    with pytest.raises(TemplateError) as caught:
        Expressions(sample, SECRETS).text(source, sample.node("one"), "agent")
    assert why is None or reason(caught.value) == why
    assert reason(caught.value)
    assert "\n" not in reason(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ lab.components }}",
        "{{ lab.blueprint }}",
        "{{ node.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ nodes.__self__ }}",
        "{{ nodes.__globals__ }}",
        "{{ params.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lab.network.interface.__func__.__globals__ }}",
        "{{ node.settings.update({}) }}",
        "{{ p.update({'port': 1}) }}",
        "{{ lab.clear() }}",
        "{{ secrets.clear() }}",
        "{{ (lab | attr('network') | attr('interface')).__globals__ }}",
        "{{ '{0.__class__}'.format(node) }}",
    ],
)
def test_a_template_sees_data_not_python(sample: Lab, source: str) -> None:
    with pytest.raises(TemplateError):
        Expressions(sample, SECRETS).text(source, sample.node("two"), "agent")


def test_rules_see_no_secrets(sample: Lab) -> None:
    with pytest.raises(TemplateError):
        Expressions(sample).holds("secrets.agent.password == ''", sample.node("one"), "agent")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("p.port > 5000", True),
        ("p.port > 6000", False),
        ("nodes('agent', role='server') | length % 2 == 1", True),
        ("'other' in node.components", False),
    ],
)
def test_holds(sample: Lab, expression: str, holds: bool) -> None:
    assert Expressions(sample).holds(expression, sample.node("one"), "agent") is holds


def test_a_failing_file_is_named_with_its_line(tmp_path: Path) -> None:
    manifest = "files:\n  - {template: a.j2, path: /etc/a}\n"
    folder = write_component(tmp_path / "components", "agent", manifest, {"a.j2": "one\n{{ two\nthree\n"})
    with pytest.raises(UsageError) as caught:
        render_nodes(lab(tmp_path, {"one": ["agent"]}), {})
    assert "a.j2 of agent fails on one" in caught.value.what
    assert caught.value.where == f"{folder / 'a.j2'}:3"


def test_a_template_that_is_not_text(tmp_path: Path) -> None:
    manifest = "files:\n  - {template: a.j2, path: /etc/a}\n"
    folder = write_component(tmp_path / "components", "agent", manifest, {"a.j2": ""})
    (folder / "a.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="of agent fails on one"):
        render_nodes(lab(tmp_path, {"one": ["agent"]}), {})


def test_a_failing_env_value_is_named(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "agent", 'env: {AGENT_PORT: "{{ p.port }}"}\n')
    with pytest.raises(UsageError) as caught:
        render_nodes(lab(tmp_path, {"one": ["agent"]}), {})
    assert caught.value.what == "env AGENT_PORT of agent fails on one: there is no value 'port'"


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ 'a' * 1048577 }}", "a text would have more than 1048576 characters"),
        ("{{ 1048577 * 'a' }}", "a text would have more than 1048576 characters"),
        ("{{ 'ab'.replace('', 'x' * 400000) }}", "a text would have more than 1048576 characters"),
        ("{{ 'aaa' | replace('a', 'x' * 400000) }}", "a text would have more than 1048576 characters"),
        ("{{ ('x' * 400000).join('aaaa') }}", "a text would have more than 1048576 characters"),
        ("{{ 'aaa' | replace(new='x' * 400000, old='a') }}", "a text would have more than 1048576 characters"),
        ("{{ ['a', 'b', 'c', 'd'] | join(d='x' * 400000) }}", "a text would have more than 1048576 characters"),
        ("{{ ['a', 'b', 'c', 'd'] | join('x' * 400000) }}", "a text would have more than 1048576 characters"),
        ("{{ ('x' * 400000) ~ ('x' * 400000) ~ ('x' * 400000) }}", "a text would have more than 1048576 characters"),
        ("{{ 'a' | indent(200000) }}", "a text would have more than 1048576 characters"),
        ("{{ 1.5 | round(200000) }}", "a text would have more than 1048576 characters"),
        ("{{ '%1000d' % 1 }}", "a part of a text may be 999 characters wide"),
        ("{{ '%*d' % (1000, 1) }}", "a part of a text may be 999 characters wide"),
        ("{{ 2 ** 4097 }}", "a number would have more than 4096 bits"),
        ("{{ 2 ** 4000 * 2 ** 4000 }}", "a number would have more than 4096 bits"),
        ("{{ [[1], [2]] | sum(start=[]) }}", "only numbers have a sum"),
        ("{% macro a() %}{% endmacro %}", "'macro' cannot be used here"),
        ("{% include 'x' %}", "'include' cannot be used here"),
        ("{% block x %}{% endblock %}", "'block' cannot be used here"),
        ("{% set x %}a{% endset %}", "'assignblock' cannot be used here"),
        ("{% for x in [] recursive %}{% endfor %}", "a recursive loop cannot be used here"),
    ],
)
def test_what_would_make_much_of_little_is_refused(sample: Lab, source: str, why: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Expressions(sample, SECRETS).text(source, sample.node("one"), "agent")
    assert reason(caught.value) == why


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(100) %}{% for j in range(100) %}{% endfor %}{% endfor %}",
        "{% for i in range(30) %}{{ 'a' * 4000 }}{% endfor %}",
        "{% for i in range(30) %}{{ range(400) | list | length }}{% endfor %}",
        "{% for i in range(30) %}{{ 400 in range(400) | list }}{% endfor %}",
        "{% for i in range(30) %}{{ range(400) | map('string') | join }}{% endfor %}",
        "{% set a = [0] * 20000 %}",
        "{{ [1] + [1] * 20000 }}",
        "{% set n = namespace(a=[1]) %}{% for i in range(14) %}{% set n.a = [n.a, n.a] %}{% endfor %}",
        "{% for i in range(30) %}{{ ('a' * 4000).upper() }}{% endfor %}",
        "{% for i in range(30) %}{{ ('a' * 4000)[1:] }}{% endfor %}",
        "{% for i in range(30) %}" + "a" * 4000 + "{% endfor %}",
    ],
)
def test_an_expression_comes_to_an_end(sample: Lab, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a two hundredth of what it may take: each of these is a little more than that."""
    monkeypatch.setattr("labgen.lab.expressions.Budget", lambda: Budget(10_000))
    with pytest.raises(TemplateError) as caught:
        Expressions(sample, SECRETS).text(source, sample.node("one"), "agent")
    assert reason(caught.value) == "it takes more steps, or makes more text, than an expression may"


def test_all_expressions_of_a_lab_share_what_they_may_take(sample: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.lab.expressions.Budget", lambda: Budget(100))
    expressions = Expressions(sample, SECRETS)
    for _ in range(20):
        expressions.text("{{ node.name }}", sample.node("one"), "agent")
    with pytest.raises(TemplateError, match="more steps"):
        expressions.text("{{ node.name }}" * 40, sample.node("one"), "agent")


def test_a_constant_is_not_worked_out_while_it_is_compiled() -> None:
    environment().from_string("{{ 'a' * 2000000 }}{{ 1.5 | round(200000) }}{{ ('a' * 9) ~ ('b' * 2000000) }}")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ '%s:%03d' % ('a', 7) }}", "a:007"),
        ("{% for n in nodes('agent') %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}", "1a2b"),
        (
            "{% set n = namespace(sum=0) %}{% for i in range(4) %}{% set n.sum = n.sum + i %}{% endfor %}{{ n.sum }}",
            "6",
        ),
        ("{{ p.items() | map('first') | sort | join(',') }}", "flag,port,role"),
        ("{{ p.get('port') }} {{ 'a-b'.split('-') | last | upper }} {{ p.none is defined }}", "6000 B False"),
        ("{{ [1, 2.5] | sum }} {{ 2.44 | round(1) }} {{ p.none | default(70000) }}", "3.5 2.4 70000"),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ],
)
def test_what_templates_use_is_there(sample: Lab, source: str, text: str) -> None:
    assert Expressions(sample, SECRETS).text(source, sample.node("two"), "agent") == text


@pytest.mark.parametrize(
    "source",
    ["{{ 'a'.center(9) }}", "{{ 'a'.ljust(9) }}", "{{ 'a' | center(9) }}", "{{ lipsum() }}", "{{ 1 | random }}"],
)
def test_what_makes_something_of_nothing_is_not_there(sample: Lab, source: str) -> None:
    with pytest.raises(TemplateError):
        Expressions(sample, SECRETS).text(source, sample.node("two"), "agent")
