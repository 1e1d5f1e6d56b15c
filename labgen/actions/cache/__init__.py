"""What labs are made from and the cache keeps: artefacts, packages, images, what passed the linters."""
