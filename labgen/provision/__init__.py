"""Runs the steps of a lab on its nodes over SSH, and remembers which are done."""

from labgen.provision.arrivals import NodeReadiness
from labgen.provision.connections import Connections, get_ready
from labgen.provision.digests import step_digests
from labgen.provision.engine import Observer, pending_steps, run_plan
from labgen.provision.journal import Journal
from labgen.provision.known_hosts import forget_host
from labgen.provision.steplog import log_path
from labgen.provision.transfer import send_artefacts, send_folder

__all__ = [
    "Connections",
    "Journal",
    "NodeReadiness",
    "Observer",
    "forget_host",
    "get_ready",
    "log_path",
    "pending_steps",
    "run_plan",
    "send_artefacts",
    "send_folder",
    "step_digests",
]
