"""Install PyTorch's CPU build if this machine has no GPU and the package index offers that build.

    python scripts/install_torch.py constraints.txt
    pip install --constraint constraints.txt .

The file keeps pip from replacing the CPU build by a newer one with CUDA, which a newer torchvision would require. It is
empty if the script installs nothing. On Linux x86_64, the default build contains CUDA. If the index has no CPU build,
the script prints how large the default build is and how to avoid it.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

#: Files that GPU drivers create on Linux: NVIDIA's, WSL's and AMD's.
GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
NOTICE = """\
PyTorch: no GPU was found, but the package index has only the CUDA build (about 3 GB to download, 6 GB on disk).
To install the CPU build instead (0.2 GB to download), press Ctrl-C, set PIP_EXTRA_INDEX_URL to the address that
https://pytorch.org/get-started/locally/ shows for "CPU", and run the command again."""


def main() -> None:
    constraints = Path(sys.argv[1])
    constraints.write_text("")
    default_has_cuda = sys.platform == "linux" and platform.machine() == "x86_64"
    if find_spec("torch") or not default_has_cuda or any(Path(driver).exists() for driver in GPU_DRIVERS):
        return
    pip = [sys.executable, "-m", "pip"]
    listed = subprocess.run([*pip, "index", "versions", "torch"], capture_output=True, text=True, check=False).stdout
    cpu_builds = re.findall(r"[\d.]+\+cpu", listed)
    if not cpu_builds:
        print(NOTICE, file=sys.stderr)
        return
    requirement = f"torch=={cpu_builds[0]}"
    subprocess.run([*pip, "install", "--quiet", requirement], check=True)
    constraints.write_text(f"{requirement}\n")


if __name__ == "__main__":
    main()
