"""docs/slurm_train.sh with stand-ins for Slurm's commands, which write down how they are called."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "slurm_train.sh"
BASH = "#!/usr/bin/env bash\n"
CALLED = 'echo "$(basename "$0") $*" >> calls\n'
STAND_IN = BASH + CALLED
# Ends as torchrun does when its processes have saved: not with 0. Once it says so, it can be stopped.
TORCHRUN = BASH + "trap 'echo saved >> calls; exit 1' TERM\n" + CALLED


@pytest.mark.parametrize(
    ("work", "status"),
    [("for i in {1..1000}; do sleep 0.01; done", 1), ("exit 0", 0), ("exit 3", 3)],
    ids=["stopped", "finished", "failed"],
)
def test_only_a_stopped_run_is_queued_again(tmp_path: Path, work: str, status: int) -> None:
    is_stopped = work.startswith("for")
    commands = {
        "scontrol": STAND_IN + '[ "$1" != show ] || printf "node1\\nnode2\\n"\n',
        "scancel": STAND_IN + "kill -TERM $(cat pid)\n",
        "srun": 'echo $$ > pid\nexec "$@"\n',
        "torchrun": TORCHRUN + work,
    }
    for name, content in commands.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    job = {"SLURM_JOB_ID": "123456", "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "2"}
    environment = {**os.environ, **job, "SLURM_GPUS_ON_NODE": "8", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen(["bash", SCRIPT, "run.toml"], cwd=tmp_path, env=environment)
    calls = tmp_path / "calls"
    if is_stopped:
        deadline = time.monotonic() + 120
        while not (calls.exists() and "torchrun" in calls.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == status
    lines = calls.read_text().splitlines()
    assert lines[:2] == [
        "scontrol show hostnames node[1-2]",
        "torchrun --nnodes 2 --nproc_per_node 8 --rdzv-backend c10d --rdzv-id 123456 "
        "--rdzv-endpoint node1:23456 --max-restarts 3 train.py --config run.toml --resume",
    ]
    stopping = ["scancel --signal=TERM 123456", "saved", "scontrol requeue 123456"]
    assert lines[2:] == (stopping if is_stopped else [])
