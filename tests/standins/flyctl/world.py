"""What the stand-in for flyctl and the stand-in for the app on Fly.io share: the machines, and where they are kept.

Everything is in the folder $FLYCTL_STANDIN_STATE:
  world.json    apps, machines, releases, images, and the secrets that the platform holds; mode 0600
  calls         a line for each call of flyctl: its words, quoted as the shell would
  logs          what the apps print, a JSON object a line
  faults        what goes wrong, see `flyctl`
"""

import contextlib
import fcntl
import json
import os
import time

FOLDER = os.environ["FLYCTL_STANDIN_STATE"]


def path(name):
    return os.path.join(FOLDER, name)


def read():
    with open(path("world.json"), encoding="utf-8") as file:
        return json.load(file)


def write(world):
    new = path(f"world.json.{os.getpid()}")
    with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(world, file, indent=1)
    os.replace(new, path("world.json"))


@contextlib.contextmanager
def changed():
    """The world, to be changed; nobody else changes it meanwhile."""
    with open(path("lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        world = read()
        yield world
        write(world)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def log(app, machine, level, message):
    line = {"app": app, "level": level, "instance": machine["id"], "message": message}
    line |= {"region": machine["region"], "timestamp": now()}
    with open(path("logs"), "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def answers(world, machine):
    """Says whether the app on a machine does its work: it is started, and what it runs is not broken."""
    return machine["state"] == "started" and machine["image"] not in world["broken"]
