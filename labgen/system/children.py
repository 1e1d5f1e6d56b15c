"""How programs that labgen starts end with it.

One that is killed can end nothing itself, and whoever goes on afterwards must not meet what it has left behind.
"""

from __future__ import annotations

DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
"""Before a command: the program is ended should labgen be killed. What it started itself is its own business.

To be waited for by the thread that starts it: the kernel takes that thread's end for labgen's.
"""

DIES_AS_A_WHOLE = ("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""The same for a program and all that it starts, whatever becomes of that: they are alone in their namespaces, of which
the kernel lets nothing live on without the program. Needs root. (unshare itself is deaf to SIGTERM.)
"""
