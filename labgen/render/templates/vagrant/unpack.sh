#!/usr/bin/env bash
# On a node, as root: puts in place what `steps.rb` has sent. All of it is for root only.
set -Eeuo pipefail
umask 077
mkdir -p /opt/labgen
cd /opt/labgen
rm -rf components node
tar -x -f /tmp/labgen.tar
rm -f /tmp/labgen.tar
