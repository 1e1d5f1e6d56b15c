"""Bundles: written, and replayed."""
