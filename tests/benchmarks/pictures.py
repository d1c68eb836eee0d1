"""Networks that share weights, beside PyTorch, and beside dense ones.

Run from the root of the repository::

    python -m tests.benchmarks.pictures             # seconds an epoch, a minute
    python -m tests.benchmarks.pictures --quality   # held-out digits, some ten minutes

An epoch is timed as in ``mlp.py``, with float32, relu and Adam, on pictures of noise.
PyTorch has the plain loop, and its fused optimiser. ``OMP_NUM_THREADS`` says how many
threads all may have.

The quality is of scikit-learn's digits, 30% held out: medians over seeds, each of which
draws the split and the start. All networks run at their defaults; of dense ones several
shapes take part, of about as many parameters.
"""

import argparse
from functools import partial
from statistics import median

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneuron import Convolution, SimpleMLPClassifier

from . import _mlp_contenders as contenders
from ._mlp_contenders import Record, torch_missing
from ._timing import (
    circumstances,
    interleaved_medians,
    markdown,
    peer,
    progress,
    result_of,
    seconds_text,
    timed,
)

#: Rows, image_shape, hidden layers, rows in a batch.
SETTINGS = {
    "digits, batches of 32": (1437, (8, 8), (Convolution(8, pool=2), 50), 32),
    "digits, batches of 200": (1437, (8, 8), (Convolution(8, pool=2), 50), 200),
    "28 x 28, one layer": (6000, (28, 28), (Convolution(8, 5, pool=2), 50), 200),
    "28 x 28, two layers": (
        3000,
        (28, 28),
        (Convolution(16, 5, pool=2), Convolution(32, 5, pool=2), 100),
        200,
    ),
}
EPOCHS = 3

#: Networks that share weights, and dense ones of about as many parameters.
RIVALS = {
    "800": ([(Convolution(8, pool=2),)], [(11,), (10, 9)]),
    "2000": (
        [(Convolution(16, pool=2), 10), (Convolution(8, pool=2), 20)],
        [(27,), (23, 18)],
    ),
    "4200": (
        [(Convolution(16, pool=2), 26), (Convolution(8, pool=2), 50)],
        [(56,), (45, 27), (40, 40)],
    ),
}


def torch_network(image_shape, hidden, n_classes):
    """The same network of PyTorch's."""
    nn = peer("torch.nn", "torch")
    (height, width), channels, layers = image_shape, 1, []
    n_in = height * width
    for of in hidden:
        if isinstance(of, Convolution):
            layers += [nn.Conv2d(channels, of.n_filters, of.window), nn.ReLU()]
            layers += [nn.MaxPool2d(of.pool)] * (of.pool > 1)
            height = (height - of.window[0] + 1) // of.pool
            width = (width - of.window[1] + 1) // of.pool
            channels = of.n_filters
            n_in = height * width * channels
        else:
            flat = [] if isinstance(layers[-2], nn.Linear) else [nn.Flatten()]
            layers += [*flat, nn.Linear(n_in, of), nn.ReLU()]
            n_in = of
    return nn.Sequential(*layers, nn.Linear(n_in, n_classes))


def pytorch(X, y, image_shape, hidden, batch):
    """Seconds an epoch."""
    torch = peer("torch", "torch")
    network = torch_network(image_shape, hidden, int(y.max()) + 1)
    X, y = torch.from_numpy(X.reshape(-1, 1, *image_shape)), torch.from_numpy(y)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    loss_of, record = torch.nn.CrossEntropyLoss(), Record(copying=False)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(y)).split(batch):
            loss = loss_of(network(X.index_select(0, rows)), y.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        record.mark()
    return record.seconds_an_epoch()


def ours(X, y, image_shape, hidden, batch):
    """Seconds an epoch."""
    record = Record(copying=False)
    parameters = {
        "hidden_layer_sizes": hidden,
        "activation": "relu",
        "image_shape": image_shape,
        "learning_rate": 0.001,
        "batch_size": batch,
        "max_iter": EPOCHS,
        "n_iter_no_change": EPOCHS + 1,
        "random_state": 0,
    }
    timed(partial(contenders.ours, X, y, record, **parameters))
    return record.seconds_an_epoch()


def epochs_table(rounds):
    """Print the seconds of an epoch at each setting."""
    rows = []
    for name, (n, *setting) in SETTINGS.items():
        rng = np.random.default_rng(0)
        X = rng.standard_normal((n, np.prod(setting[0])), dtype=np.float32)
        y = rng.integers(10, size=n)
        functions = {"ours": partial(ours, X, y, *setting)}
        if not torch_missing():
            functions["PyTorch"] = partial(pytorch, X, y, *setting)
        found = interleaved_medians(functions, rounds, 60.0, 0.0, measure=result_of)
        times = [seconds_text(found[kind]) if kind in found else "" for kind in found]
        ratio = found.get("PyTorch", np.nan) / found["ours"]
        rows.append([name, *times, f"{ratio:.1f}"])
        progress(*rows[-1])
    print(markdown(["an epoch", *functions, "PyTorch / ours"], rows))


def right(hidden, activation, seed):
    """The share of held-out digits that is right; and how many parameters it took."""
    X, y = load_digits(return_X_y=True)
    X, X_new, y, y_new = train_test_split(
        X.astype(np.float32), y, test_size=0.3, random_state=seed, stratify=y
    )
    parameters = {"image_shape": (8, 8), "random_state": seed}
    clf = SimpleMLPClassifier(hidden, activation, **parameters)
    timed(partial(clf.fit, X, y))
    return clf.score(X_new, y_new), clf.n_parameters_


def quality_table(seeds):
    """Print what the best of either kind have right."""
    rows = []
    for name, kinds in RIVALS.items():
        row = [name]
        for kind in kinds:
            found = []
            for hidden in kind:
                for activation in ("relu", "tanh", "logistic"):
                    scores = [right(hidden, activation, seed) for seed in range(seeds)]
                    share = median(score for score, _ in scores)
                    found.append((share, f"{hidden} {activation}", scores[0][1]))
                    progress(*found[-1])
            share, best, n_parameters = max(found)
            row += [f"{share:.2%}", f"{best}, {n_parameters} parameters"]
        rows.append(row)
    print(markdown(["parameters", "shared", "the best", "dense", "the best"], rows))


def main():
    """Read the options and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.pictures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=7)
    options = parser.parse_args()
    if options.quality:
        quality_table(options.seeds)
    else:
        epochs_table(options.rounds)
    print("\n" + circumstances("skneuron", "numpy", "scikit-learn", "torch"))


if __name__ == "__main__":
    main()
