"""The picture of a lab: who talks to whom, worked out from the components' manifests, in the languages of graphs."""

from labgen.graph.build import build_graph
from labgen.graph.dot import dot
from labgen.graph.mermaid import mermaid

__all__ = ["build_graph", "dot", "mermaid"]
