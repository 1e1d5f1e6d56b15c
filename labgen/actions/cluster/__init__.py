"""What a DBA does to a cluster that runs."""
