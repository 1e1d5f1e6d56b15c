"""Images that hold a finished install stage: built once by `scripts/image/`, named by what went into them."""

from labgen.images.build import ensure_image
from labgen.images.inside import closed, run_inside
from labgen.images.registry import ImageRecord, have_image, image_made, list_images, remove_image
from labgen.images.spec import ImageSpec

__all__ = [
    "ImageRecord",
    "ImageSpec",
    "closed",
    "ensure_image",
    "have_image",
    "image_made",
    "list_images",
    "remove_image",
    "run_inside",
]
