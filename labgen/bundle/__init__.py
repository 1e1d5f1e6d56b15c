"""One file from which somebody else sees what a lab did, and makes the same one: collected, redacted, checked."""
