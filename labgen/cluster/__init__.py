"""A Patroni cluster that runs, as drills and reproductions see it: who is who, and how its nodes are reached."""
