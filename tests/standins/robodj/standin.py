"""What the stand-ins of RoboDJ's programs share: their calls are noted, and go wrong when a test wants it.

In the folder $ROBODJ_STANDIN_STATE (without it, nothing of this):
  calls    a line for each call: the program and its words
  faults   lines `N FAULT` for the call of that number, or `WORD FAULT` for calls with that word; the faults are
           fail, act-then-fail, hang, act-then-hang
"""

import os
import sys


def path(name):
    return os.path.join(os.environ["ROBODJ_STANDIN_STATE"], name)


def fault():
    words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
    with open(path("calls"), "a+", encoding="utf-8") as calls:
        calls.write(" ".join(words) + "\n")
        calls.flush()
        calls.seek(0)
        number = len(calls.readlines())
    try:
        with open(path("faults"), encoding="utf-8") as faults:
            for line in faults:
                which, what = line.split()
                if which == str(number) or which in words:
                    return what
    except FileNotFoundError:
        pass
    return ""


def called(work):
    """Does the work of a call, or does not, as the test wants it."""
    if "ROBODJ_STANDIN_STATE" not in os.environ:
        return work()
    wrong = fault()
    status = work() if not wrong or wrong.startswith("act-then") else 1
    sys.stdout.flush()
    if wrong.endswith("hang"):
        os.execvp("sleep", ["sleep", "86400"])
    if wrong:
        print("Error response from daemon: something went wrong", file=sys.stderr)
        return 1
    return status
