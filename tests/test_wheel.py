"""The built wheel works in a fresh environment, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, cwd: Path, status: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr if status else done.stdout


def test_installed_wheel_trains_from_another_folder(tmp_path):
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("radexp-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    tools = tmp_path / "venv" / "bin"
    # Compiling every module of PyTorch, of which few are imported, takes a third of the work.
    install = ("-m", "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt")
    run(tools / "python", *install, wheel, cwd=tmp_path)
    where = run(tools / "python", "-c", "import radexp; print(radexp.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path)
    words = ["estimator=rad", "budget=50%", "training.iterations=20", "model.hidden=[16]"]
    printed = run(tools / "radexp", "train", *words, cwd=tmp_path)
    assert "completed" in printed
    (summary,) = tmp_path.glob("outputs/train/*/summary.json")
    record = json.loads(summary.read_text())
    assert record["measured_saved_bytes"] == record["predicted_saved_bytes"]

    on_slurm = (tools / "radexp", "train", "hydra/launcher=slurm_gpu", "--cfg", "hydra")
    refused = run(*on_slurm, cwd=tmp_path, status=2)
    assert "without the package hydra-submitit-launcher" in refused
    run(tools / "python", *install, f"{wheel}[cluster]", cwd=tmp_path)
    assert "gpus_per_node: 1" in run(*on_slurm, cwd=tmp_path)
