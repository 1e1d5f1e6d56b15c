"""Which providers offer something, and the refusal where the one that was chosen does not."""

from __future__ import annotations

from collections.abc import Callable

from labgen.errors import OperationError, UsageError
from labgen.providers.base import Provider
from labgen.providers.image_maker import ImageMaker
from labgen.providers.registry import all_providers
from labgen.providers.snapshotter import Snapshotter


def providers_that(offer: Callable[[Provider], bool]) -> list[str]:
    """The names of those providers here that OFFER is true for."""
    return [provider.name for provider in all_providers() if offer(provider)]


def who_makes_images() -> str:
    """The names of those providers whose images labgen makes, for a sentence about what to take instead."""
    return " or ".join(providers_that(lambda other: other.images is not None))


def require_images(provider: Provider) -> ImageMaker:
    """What makes the provider's images; raises UsageError where it boots a vendor's box."""
    if provider.images is not None:
        return provider.images
    raise UsageError(
        f"labgen makes no images for {provider.name}, which boots a vendor's box",
        cure=f"name one that boots images which labgen makes: --provider {who_makes_images()}",
    )


def require_snapshotter(provider: Provider, lab: str) -> Snapshotter:
    """The provider's snapshotter; raises OperationError with the reason why there is none."""
    if provider.snapshotter is not None:
        return provider.snapshotter
    able = providers_that(lambda other: other.snapshotter is not None)
    raise OperationError(
        f"there are no checkpoints with {provider.name}: {provider.no_snapshots}",
        where=lab,
        cure=f"{' and '.join(able)} have them: a second lab with --provider {able[0]} and another --name",
    )
