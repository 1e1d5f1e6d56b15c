"""What a DBA does to a cluster that runs: hand over, pause, copy a replica anew. Asked of Patroni, then watched."""

from labgen.operations.choice import choose, leader_of
from labgen.operations.handover import Handover, hand_over
from labgen.operations.membership import forget_member
from labgen.operations.patroni import Patroni, until
from labgen.operations.view import View, parse_view

__all__ = ["Handover", "Patroni", "View", "choose", "forget_member", "hand_over", "leader_of", "parse_view", "until"]
