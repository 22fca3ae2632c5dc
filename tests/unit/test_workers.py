"""Worker processes and signals that reach a whole group of processes, as those of torchrun and Slurm do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, signal, time
from textchem_core.data.workers import make_workers

if __name__ == "__main__":
    signum = signal.Signals[os.environ["SIGNAL"]]
    with make_workers(1) as pool:
        before = pool.submit(os.getpid).result()
        signal.signal(signum, lambda *_: None)
        os.killpg(0, signum)
        time.sleep(0.3)
        assert pool.submit(os.getpid).result() == before
    print("answered")
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_group_leaves_workers_at_work(tmp_path: Path, signum: signal.Signals) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SIGNAL": signum.name}
    finished = subprocess.run(
        [sys.executable, tmp_path / "script.py"],
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    assert finished.stdout == "answered\n", finished.stderr
