"""Worker processes and signals that reach a whole group of processes, as those of torchrun and Slurm do."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from textchem_core.data.workers import make_workers

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


def test_a_signal_waits_until_a_process_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = ProcessPoolExecutor.submit
    given: list[Future[int]] = []

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        given.append(submit(*arguments))
        return given[0]

    monkeypatch.setattr(ProcessPoolExecutor, "submit", interrupted)
    # In the background of a script it is ignored, and that is handed down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with make_workers(1) as pool:
            with pytest.raises(KeyboardInterrupt):
                pool.submit(os.getpid)
            assert given[0].result() != os.getpid()
    finally:
        signal.signal(signal.SIGINT, before)
