"""What is done to a whole lab: up, verify, status, halt, destroy, and the pictures of it."""
