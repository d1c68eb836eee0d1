"""Tensors on a device beside arrays on the processor, and beside a plain PyTorch loop.

Run from the root of the repository, on a machine with a GPU::

    SCIPY_ARRAY_API=1 python -m tests.benchmarks.devices
    SCIPY_ARRAY_API=1 python -m tests.benchmarks.devices --device cpu --shrink 100

All in float32. A loop of PyTorch is what one writes by hand: its own L-BFGS with strong
Wolfe conditions to the maximum, its own Adam for the network, a gradient step for every
rate and fold of the search. What is timed has been run once before, on a hundredth of
the rows.
"""

import argparse
import os
import platform
import subprocess
from functools import partial

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron.model_selection import LockstepSearchCV

from ._mlp_contenders import Setting, our_parameters
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    mean_text,
    peer,
    progress,
    seconds_text,
    timed,
)

N_STEPS, RATES = 100, np.geomspace(1e-3, 0.5, 50)


def table(n_rows, n_features, n_classes):
    """Normal features and labels that a softmax of them gives, in float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    slope = rng.standard_normal((n_features, n_classes), dtype=np.float32)
    z = X @ slope / np.float32(np.sqrt(n_features / 4))
    return X, (z + rng.gumbel(size=z.shape).astype(np.float32)).argmax(axis=1)


def linear(torch, X, n_logits):
    """One layer that starts at 0, on the device of X."""
    layer = torch.nn.Linear(X.shape[1], n_logits, device=X.device)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    return layer


def loop_to_the_top(torch, X, y):
    """Logistic regression of two classes by PyTorch's L-BFGS."""
    layer, y = linear(torch, X, 1), y.to(X.dtype)
    loss = torch.nn.BCEWithLogitsLoss()
    climb = torch.optim.LBFGS(
        layer.parameters(),
        max_iter=200,
        tolerance_grad=1e-6,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def closure():
        climb.zero_grad()
        value = loss(layer(X)[:, 0], y)
        value.backward()
        return value

    climb.step(closure)
    return layer


def loop_of_epochs(torch, X, y, setting, n_epochs):
    """A hidden layer of logistic neurons, by Adam, through shuffled batches."""
    network = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], setting.hidden),
        torch.nn.Sigmoid(),
        torch.nn.Linear(setting.hidden, 10),
    ).to(X.device)
    climb = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = torch.nn.CrossEntropyLoss()
    for _ in range(n_epochs):
        order = torch.randperm(len(X), device=X.device)
        for at in order.split(setting.batch):
            climb.zero_grad()
            loss(network(X[at]), y[at]).backward()
            climb.step()
    return network


def loop_of_rates(torch, X, y, folds):
    """Steps of every rate on every fold, one after the other, and the accuracies."""
    scores = []
    for train, test in folds:
        known, labels = X[train], y[train]
        for rate in RATES.tolist():
            layer = linear(torch, X, 1)
            climb = torch.optim.SGD(layer.parameters(), lr=rate)
            loss = torch.nn.BCEWithLogitsLoss()
            for _ in range(N_STEPS):
                climb.zero_grad()
                loss(layer(known)[:, 0], labels.to(X.dtype)).backward()
                climb.step()
            with torch.no_grad():
                scores.append(((layer(X[test])[:, 0] > 0) == (y[test] > 0)).float())
    return [float(score.mean()) for score in scores]


def fitted(model, X, y):
    """A fit of ours."""
    return clone(model).fit(X, y)


def rows(torch, shrink):
    """Name, data, an estimator of ours, and the loop that does the same."""
    n_epochs = 3
    name = f"{10_000_000 // shrink:,} x 100, to the maximum"
    data = table(10_000_000 // shrink, 100, 2)
    yield name, data, GradientAscentLogisticRegression(), loop_to_the_top
    data = table(60_000 // shrink, 784, 10)
    for batch in (1000, 10_000):
        setting = Setting(max(batch // shrink, 1), 100, "adam", np.float32)
        model = SimpleMLPClassifier(**our_parameters(setting, n_epochs))

        def loop(torch, X, y, setting=setting):
            return loop_of_epochs(torch, X, y, setting, n_epochs)

        yield f"network, {n_epochs} epochs of batches of {batch:,}", data, model, loop
    data = table(200_000 // shrink, 50, 2)
    folds = StratifiedKFold(5)
    model = LockstepSearchCV(
        GradientAscentLogisticRegression(0.1, max_iter=N_STEPS, tol=0.0),
        {"learning_rate": RATES},
        cv=folds,
        refit=False,
    )

    def loop(torch, X, y):
        labels = y.cpu().numpy()
        return loop_of_rates(torch, X, y, list(folds.split(labels, labels)))

    yield f"search, {len(RATES)} rates x 5 folds, {N_STEPS} steps", data, model, loop


def card(torch, device):
    """What the device calls itself, and its driver."""
    if device != "cuda":
        return platform.processor() or platform.machine()
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    return f"{torch.cuda.get_device_name()}, driver {driver}"


def main():
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.devices",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", default="cuda", help="as PyTorch calls it")
    parser.add_argument("--shrink", type=int, default=1, help="divides the rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=120.0, help="seconds a row")
    options = parser.parse_args()
    torch = peer("torch", "torch==2.13.0")
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        parser.error("Set SCIPY_ARRAY_API=1 in the environment.")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch sees no GPU; --device cpu tries the script out.")

    def waited(result):
        if options.device == "cuda":
            torch.cuda.synchronize()
        return result

    lines, ratios = [], ([], [])
    for name, (X, y), model, loop in rows(torch, options.shrink):
        there = [torch.asarray(array, device=options.device) for array in (X, y)]
        few = slice(0, max(len(X) // 100, 200))

        def ours(at=slice(None), there=there, model=model):
            with config_context(array_api_dispatch=True):
                return waited(fitted(model, there[0][at], there[1][at]))

        def by_hand(at=slice(None), there=there, loop=loop):
            return waited(loop(torch, there[0][at], there[1][at]))

        def here(at=slice(None), X=X, y=y, model=model):
            return fitted(model, X[at], y[at])

        contenders = {"ours": ours, "by hand": by_hand, "here": here}
        for contender in contenders.values():
            timed(partial(contender, few))
        seconds = interleaved_medians(contenders, options.rounds, options.budget)
        for kept, other in zip(ratios, ("here", "by hand"), strict=True):
            kept.append(seconds[other] / seconds["ours"])
        lines.append(
            [
                name,
                *(seconds_text(seconds[one]) for one in contenders),
                *(f"{kept[-1]:.2f}" for kept in ratios),
            ]
        )
        progress(*lines[-1])
    lines.append(["geometric mean", "", "", "", *map(mean_text, ratios)])
    header = ["", "ours, tensors", "PyTorch loop", "ours, NumPy"]
    print(markdown([*header, "NumPy / tensors", "loop / tensors"], lines))
    print("\n" + circumstances("skneuron", "numpy", "scikit-learn", "torch"))
    print(card(torch, options.device))


if __name__ == "__main__":
    main()
