#!/usr/bin/env bash
. "${LABGEN_LIB:?}"
