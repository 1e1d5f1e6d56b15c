"""Which packages and artefacts labs are made of, to the version: kept, written down, carried to other machines."""
