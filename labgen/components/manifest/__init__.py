"""The manifest of a component: `component.yml`, checked against these models."""

from labgen.components.manifest.artefacts import (
    Artefact,
    DebianPoolSource,
    GoSource,
    PypiSource,
    ReleaseSource,
    Source,
    UrlSource,
    Wheels,
)
from labgen.components.manifest.base import (
    Identifier,
    Mode,
    Name,
    NodePath,
    Owner,
    Package,
    Pattern,
    Scalar,
    Strict,
    Version,
)
from labgen.components.manifest.checks import CheckEntry, CommandCheck, CommandExpectation
from labgen.components.manifest.files import Configuration, File, Validator
from labgen.components.manifest.model import Collect, Manifest, Rule, Scales, Secret
from labgen.components.manifest.network import Listen, Talk
from labgen.components.manifest.other_versions import GoVersions, OtherVersions, PypiVersions
from labgen.components.manifest.parameters import TYPES, Parameter
from labgen.components.manifest.roles import (
    DcsRole,
    Delay,
    FailoverManagerRole,
    ProvidedRole,
    ProxyRole,
    Role,
    SqlClientRole,
    VipRole,
)
from labgen.components.manifest.steps import Need, Ready, Start
from labgen.systems import OsName

__all__ = [
    "TYPES",
    "Artefact",
    "CheckEntry",
    "Collect",
    "CommandCheck",
    "CommandExpectation",
    "Configuration",
    "DcsRole",
    "DebianPoolSource",
    "Delay",
    "FailoverManagerRole",
    "File",
    "GoSource",
    "GoVersions",
    "Identifier",
    "Listen",
    "Manifest",
    "Mode",
    "Name",
    "Need",
    "NodePath",
    "OsName",
    "OtherVersions",
    "Owner",
    "Package",
    "Parameter",
    "Pattern",
    "ProvidedRole",
    "ProxyRole",
    "PypiSource",
    "PypiVersions",
    "Ready",
    "ReleaseSource",
    "Role",
    "Rule",
    "Scalar",
    "Scales",
    "Secret",
    "Source",
    "SqlClientRole",
    "Start",
    "Strict",
    "Talk",
    "UrlSource",
    "Validator",
    "Version",
    "VipRole",
    "Wheels",
]
