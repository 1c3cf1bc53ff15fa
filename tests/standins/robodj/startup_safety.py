#!/usr/bin/python3 -SEB
"""A stand-in for RoboDJ's config/scripts/startup_safety.py of early 2026: its options, its words, its copies.

It stands two folders below the application's root. Its calls are noted, and go wrong, as `docker` beside this file says.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import standin

CONFIG = pathlib.Path(os.path.abspath(__file__)).parents[1]
KEPT = ["schedules.json", "prompt_variables.json"]


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def copy_config(kind):
    folder = CONFIG / "backups" / now().strftime("config_snapshot_%Y%m%d_%H%M%S_%f")
    folder.mkdir(parents=True)
    there = [name for name in KEPT if (CONFIG / name).exists()]
    for name in there:
        shutil.copy2(CONFIG / name, folder / name)
    manifest = {"created_at_utc": now().isoformat(), "snapshot_type": kind, "files": there}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    print(f"Created config snapshot: {folder}")
    return folder


def restore():
    newest = sorted((CONFIG / "backups").glob("config_snapshot_*"))[-1:]
    if not newest:
        print("No snapshot found in config/backups/.")
        return 1
    before = copy_config("pre_restore_checkpoint")
    there = [name for name in KEPT if (newest[0] / name).exists()]
    for name in there:
        shutil.copy2(newest[0] / name, CONFIG / name)
    print(f"Restored last-known-good files from {newest[0].name}: {', '.join(there)}")
    event = {"event_type": "restore_last_known_good", "status": "success", "pre_restore_snapshot": before.name}
    with open(CONFIG / "logs" / "startup_safety_events.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps(event) + "\n")
    return 0


def launch():
    print("Running RoboDJ startup diagnostics...")
    key = CONFIG / "secret.key"
    if not key.exists():
        print("[FAIL] Key secret.key: missing\nStartup diagnostics failed. Startup blocked.")
        return 1
    print(f"[PASS] Key secret.key: present ({key.stat().st_size} bytes)")
    copy_config("last_known_good_config")
    print("Startup safety gate passed.")
    return 0


def main():
    parser = argparse.ArgumentParser(description="RoboDJ startup reliability controls")
    for option in ["--on-launch", "--create-backup", "--restore-last-known-good"]:
        parser.add_argument(option, action="store_true")
    asked = parser.parse_args()
    if asked.create_backup:
        copy_config("last_known_good_config")
        return 0
    if asked.restore_last_known_good:
        return restore()
    if asked.on_launch:
        return launch()
    parser.print_help()
    return 1


if __name__ == "__main__":
    sys.exit(standin.called(main))
