#!/usr/bin/env bash
# Vagrant 2.3.4 (Debian 12): `vagrant validate` on a Vagrantfile with a mistyped provider and a mistyped `run:`.
#
# Guess: what it refuses in one place (a network type or a provider's setting that it does not know) it refuses in the
# others.
# Seen: a block for a provider of no known name is never looked into, and passes with whatever it holds; so does a
# provisioner with run: "alwayss". Both are "validated successfully", exit 0.
#
#   provider "dcoker" { imagee }, run: "alwayss"    Vagrantfile validated successfully. exit 0
#   provider "docker" { imagee }                    The following settings shouldn't exist: imagee … exit 1
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 12 'vagrant=2.3.4*'; }

validate() { # validate PROVIDER RUN
  cat >Vagrantfile <<RUBY
Vagrant.configure("2") do |config|
  config.vm.define "pg1" do |node|
    node.vm.provider("docker") { |d| d.image = "x" }
    node.vm.provider("$1") { |d| d.imagee = "x" }
    node.vm.provision "shell", inline: "true", run: "$2"
  end
end
RUBY
  run env VAGRANT_HOME=/finding/home VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_DEFAULT_PROVIDER=docker \
    timeout 90 vagrant validate
}

finding() {
  mkdir -p /usr/local/bin # Vagrant wants to find the program, and asks it for nothing here
  printf '#!/bin/sh\n' >/usr/local/bin/docker && chmod +x /usr/local/bin/docker
  see 'validated successfully.*exit 0$' "$(validate dcoker alwayss)"
  see 'shouldn.t exist: imagee.*exit 1$' "$(validate docker always)"
}

play
