"""Images that hold a finished install stage: built once by `scripts/image/`, named by what went into them."""

from labgen.images.build import ensure_image, ensure_tree
from labgen.images.inside import closed, run_inside
from labgen.images.registry import ImageRecord, have_image, image_made, list_images, remove_image
from labgen.images.spec import ImageSpec
from labgen.images.trees import Tree, Trees

__all__ = [
    "ImageRecord",
    "ImageSpec",
    "Tree",
    "Trees",
    "closed",
    "ensure_image",
    "ensure_tree",
    "have_image",
    "image_made",
    "list_images",
    "remove_image",
    "run_inside",
]
