"""Vagrant, driven through python-vagrant: everything that labgen has Vagrant do goes this one way."""

from labgen.providers.vagrant.adapter import Vagrant, VagrantBox
from labgen.providers.vagrant.client import INSTALL_VAGRANT
from labgen.providers.vagrant.parsing import parse_ssh_config

__all__ = ["INSTALL_VAGRANT", "Vagrant", "VagrantBox", "parse_ssh_config"]
