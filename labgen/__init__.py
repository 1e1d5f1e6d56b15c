"""labgen boots published PostgreSQL high-availability topologies as real machines and proves that they work."""

__version__ = "0.1.0"
