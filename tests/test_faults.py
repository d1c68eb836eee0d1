"""Load and faults: many fits at once, processes that die, memory and files that end.

What may end a process runs in one of its own.
"""

import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification

from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # threads of BLAS and of the core, beside a fork
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")
PATIENCE = 120  # seconds until what hangs is said to hang

PRELUDE = """
import os, sys, warnings
import numpy as np
from sklearn.datasets import make_classification
from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP
from skneuron.model_selection import LockstepSearchCV
warnings.simplefilter("ignore")
X, y = make_classification(3000, 20, flip_y=0.2, random_state=0)
"""


def start(script, *arguments):
    """A Python process of its own, and its session, that runs a script."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process):
    """What a process said, after it has ended by itself with success."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out.strip()


# --- many at once ---------------------------------------------------------------------

DATA = make_classification(2000, 12, flip_y=0.2, random_state=0)
MODELS = [
    LR(),
    LR(0.1, max_iter=20),
    LR(batch_size=50, max_iter=3, random_state=0),
    MLP((8,), max_iter=3, random_state=0),
]


def fit(number):
    """The fit of a model, which has the same bits wherever it is made."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pickle.loads(pickle.dumps(MODELS[number % len(MODELS)])).fit(*DATA)
    return model.predict_proba(DATA[0])


def pool(kind):
    if kind == "threads":
        return ThreadPoolExecutor(4)
    return ProcessPoolExecutor(2, mp_context=get_context(kind))


@pytest.mark.parametrize("kind", ["threads", "spawn", "forkserver", "fork"])
def test_several_fits_at_once(kind):
    if kind != "threads" and os.name != "posix":
        pytest.skip("processes of POSIX")
    alone = [fit(number) for number in range(len(MODELS))]
    with pool(kind) as workers:
        many = list(workers.map(fit, range(12), timeout=PATIENCE))
    for number, found in enumerate(many):
        # Products of several BLAS threads may be summed otherwise beside others.
        wanted = alone[number % len(MODELS)]
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


@posix
def test_a_fork_in_the_middle_of_a_fit():
    """A child of a process whose threads are at work has none of them, and can fit."""
    out = ended(
        start(
            """
            import threading
            from concurrent.futures import ThreadPoolExecutor
            busy = threading.Event()
            def work():
                while not busy.is_set():
                    MLP((30,), max_iter=2, random_state=0).fit(X, y)
            thread = threading.Thread(target=work)
            thread.start()
            codes = []
            for _ in range(8):
                child = os.fork()
                if not child:
                    os._exit(not LR().fit(X, y).converged_)
                codes.append(os.waitpid(child, 0)[1])
            busy.set()
            thread.join()
            print(codes)
            """
        )
    )
    assert out == str([0] * 8)


# --- processes that die ---------------------------------------------------------------

WORK = {
    "a fit": "MLP((50,), max_iter=20, random_state=0).fit(X, y)",
    "a climb": "LR(solver='gradient', max_iter=200, tol=0).fit(X, y)",
    "a search": "LockstepSearchCV(LR(), {'C': [1, 10]}, cv=3, n_jobs=2).fit(X, y)",
    "a Dask fit": "LR(max_iter=20, tol=0).fit(D, y)",
}


def children(pid):
    """The processes of a session, by what the system lists."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("work", WORK)
def test_killed_at_a_random_moment_and_started_again(work, name):
    """It ends soon, leaves no process behind, and the next start is as the first."""
    script = """
    work = sys.argv[1]
    if "(D," in work:
        import dask.array as da
        D = da.from_array(X, chunks=(1000, 20))
    print("begun", flush=True)
    while True:
        exec(work)
    """
    if "D," in WORK[work]:
        pytest.importorskip("dask.array")
    # joblib's workers outlive a client that is killed, by their idle time of minutes.
    task = (
        WORK[work] if name == "SIGINT" else WORK[work].replace("n_jobs=2", "n_jobs=1")
    )
    rng = random.Random(f"{work} {name}")
    for _ in range(2):
        process = start(script, task)
        assert process.stdout.readline() == "begun\n", process.stderr.read()
        time.sleep(rng.uniform(0.1, 2))
        # A fit by itself that is interrupted keeps its climb, and the loop goes on:
        # one of the next interrupts falls between two.
        end(process, getattr(signal, name))
        assert process.returncode != 0
        assert not children(process.pid)
        process.communicate()


def end(process, wanted):
    """Send a signal until the process has ended, and wait for what it has started."""
    for _ in range(10 * PATIENCE):
        if process.poll() is None:
            process.send_signal(wanted)
        elif not children(process.pid):
            return
        time.sleep(0.1)
    raise AssertionError("it hangs")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    "model", ["LR()", "MLP((5,), batch_size=200, max_iter=5, random_state=0)"]
)
def test_a_worker_of_a_cluster_killed_at_a_random_moment(model):
    """The fit ends right, or says in words why not, and no process is left behind.

    Fits go on for as long as it takes the killed one to come back, or to be missed.
    """
    pytest.importorskip("distributed")
    process = start(
        """
        import signal, threading, time
        import dask.array as da, distributed

        model, wait = eval(sys.argv[1]), float(sys.argv[2])
        how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
        with (
            distributed.LocalCluster(**how, silence_logs="CRITICAL") as cluster,
            distributed.Client(cluster) as client,
        ):
            data = client.persist([da.from_array(X, (500, 20)), da.from_array(y, 500)])
            expected = model.fit(*data).predict_proba(X)
            victim = min(client.run(os.getpid).values())
            killer = threading.Timer(wait, os.kill, (victim, signal.SIGKILL))
            killer.start()
            last = False
            while not last:
                last = not killer.is_alive()
                try:
                    found = model.fit(*data).predict_proba(X)
                    assert np.allclose(found, expected, 1e-6, 1e-8)
                except (RuntimeError, ValueError) as error:
                    assert len(str(error)) > 20, error
        print("ended")
        """,
        model,
        str(random.Random(model).uniform(0.1, 1)),
    )
    try:
        assert ended(process) == "ended"
        end(process, signal.SIGTERM)  # waits for what it has started
    finally:
        for left in children(process.pid):
            os.kill(left, signal.SIGKILL)


# --- memory and files that end --------------------------------------------------------


@posix
def test_memory_that_runs_out_leaves_the_old_fit():
    out = ended(
        start(
            """
            import resource
            for model in (LR(solver="newton"), MLP((5,), max_iter=2, random_state=0)):
                model.fit(X, y)
                before, state = model.predict_proba(X), sorted(vars(model))
                rng = np.random.default_rng(0)
                wide = rng.standard_normal((4000, 1200))
                new = np.arange(4000) % 2
                if isinstance(model, MLP):
                    model.set_params(hidden_layer_sizes=(20_000,))
                held = int(open("/proc/self/statm").read().split()[0])
                limit = held * resource.getpagesize() + (8 << 20)
                old = resource.getrlimit(resource.RLIMIT_AS)
                resource.setrlimit(resource.RLIMIT_AS, (limit, old[1]))
                try:
                    model.fit(wide, new)
                except MemoryError:
                    print("MemoryError", flush=True)
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, old)
                assert sorted(vars(model)) == state
                assert np.array_equal(model.predict_proba(X), before)
                model.fit(wide[:, :20], new)
            """
        )
    )
    assert out.split() == ["MemoryError"] * 2


@posix
@pytest.mark.parametrize("dtype", ["float64", "int8"])
@pytest.mark.parametrize(
    "model",
    [
        "LR(solver='gradient', tol=0)",
        "LR(batch_size=100, tol=0, max_iter=50)",
        "MLP((3,), tol=0, batch_size=100, max_iter=50)",
        "MLP((3,), solver='lbfgs', tol=0)",
    ],
)
def test_a_map_that_is_cut_short_is_named(model, dtype, tmp_path):
    """Before a fit, in the middle of one, and in a prediction: an error, no SIGBUS."""
    path = tmp_path / "features.npy"
    out = ended(
        start(
            f"""
            from skneuron._estimator import watch
            path, dtype = sys.argv[1:]
            np.save(path, (10 * X).astype(dtype))
            whole = os.path.getsize(path)
            on_disk = np.load(path, mmap_mode="r")
            model = {model}
            end, fitted = watch.Watch.end, False
            def cut(*arguments):
                os.truncate(path, whole // 4)
                return end(*arguments)
            for when in ("before", "after", "in the middle"):
                np.save(path + "again.npy", (10 * X).astype(dtype))
                os.replace(path + "again.npy", path)
                on_disk = np.load(path, mmap_mode="r")
                if when == "before":
                    os.truncate(path, whole // 4)
                elif when == "after":
                    model.fit(on_disk, y)
                    os.truncate(path, whole // 4)
                else:
                    watch.Watch.end = cut
                try:
                    if when == "after":
                        model.predict(on_disk)
                    else:
                        model.fit(on_disk, y)
                except ValueError as error:
                    assert path in str(error), error
                    print(when, flush=True)
            """,
            str(path),
            dtype,
        )
    )
    assert out.splitlines() == ["before", "after", "in the middle"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
def test_a_disk_that_is_full_is_named():
    model = LR().fit(*DATA)
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb") as file:
        pickle.dump(model, file)
    assert model.converged_
