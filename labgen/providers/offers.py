"""Which providers offer something, and the refusal where the one that was chosen does not."""

from __future__ import annotations

from collections.abc import Callable

from labgen.errors import OperationError
from labgen.providers.base import Provider
from labgen.providers.registry import get_provider, provider_names
from labgen.providers.snapshotter import Snapshotter


def providers_that(offer: Callable[[Provider], bool]) -> list[str]:
    """The names of those providers here that OFFER is true for."""
    return [name for name in provider_names() if offer(get_provider(name))]


def require_snapshotter(provider: Provider, lab: str) -> Snapshotter:
    """The provider's snapshotter; raises OperationError with the reason why there is none."""
    if provider.snapshotter is not None:
        return provider.snapshotter
    able = " and ".join(providers_that(lambda other: other.snapshotter is not None))
    raise OperationError(
        f"there are no checkpoints with {provider.name}: {provider.no_snapshots}",
        where=lab,
        cure=f"{able} have them: a second lab with --provider docker and another --name",
    )
