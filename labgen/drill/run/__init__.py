"""One drill, from the gate to the last count."""
