"""What the clients in Python share: telling what holds."""

import atexit
import os
import sys

_failed = 0


def ok(condition, name):
    """Tell whether it holds."""
    global _failed
    print(("ok" if condition else "not ok") + " - " + name)
    if not condition:
        _failed += 1


def is_(actual, expected, name):
    """Tell whether two values are the same, and if not, what they are."""
    ok(actual == expected, name)
    if actual != expected:
        print(f"# got {actual!r}, expected {expected!r}")


@atexit.register
def _end():
    sys.stdout.flush()
    if _failed:
        os._exit(1)
