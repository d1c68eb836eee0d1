"""Write small fitted models of this version, with what they predict.

    python tests/models/write.py

The folder is named by the version. Once it is released it stays as it is: what later
versions make of it is tested in tests/test_old_models.py.
"""

import pickle
import warnings
from pathlib import Path
from zipfile import ZIP_DEFLATED

import joblib
import numpy as np
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneuron
from skneuron import GradientAscentLogisticRegression as LR
from skneuron import SimpleMLPClassifier as MLP
from skneuron.model_selection import LockstepSearchCV

FOLDER = Path(__file__).parent / skneuron.__version__

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3))
THREE = np.argmax(X + rng.gumbel(size=X.shape), axis=1)
TWO = (THREE > 0).astype(int)
WORDS = np.array(["Bern", "Graz", "Ulm"])[THREE]
BOTH = np.column_stack([TWO, THREE])
LABELS = np.column_stack([TWO, THREE == 1]).astype(int)


def stream(model, y):
    """A model that has learned from two batches, and can go on."""
    classes = [np.unique(of) for of in y.T] if y.ndim == 2 else np.unique(y)
    return model.partial_fit(X[:20], y[:20], classes).partial_fit(X[20:], y[20:])


def models():
    """Names to fitted models, of all kinds."""
    few = {"max_iter": 5, "random_state": 0}
    grid = {"C": [0.1, 1.0]}
    yield "regression", LR().fit(X, TWO)
    yield "regression_words", LR(C=1.0).fit(X, WORDS)
    yield "regression_labels", LR(C=1.0).fit(X, LABELS)
    yield "regression_several", LR(0.1, max_iter=5).fit(X, BOTH)
    yield "regression_single", LR().fit(X.astype(np.float32), TWO)
    yield "regression_stream", stream(LR(), TWO)
    yield "regression_warm", LR(warm_start=True).fit(X, WORDS)
    yield "network", MLP((4,), **few).fit(X, TWO)
    yield "network_words", MLP((4, 2), "relu", **few).fit(X, WORDS)
    yield "network_several", MLP((4,), "tanh", solver="lbfgs", **few).fit(X, BOTH)
    yield "network_stopping", MLP((4,), early_stopping=True, **few).fit(X, TWO)
    yield "network_stream", stream(MLP((4,), batch_size=8, random_state=0), WORDS)
    yield "network_warm", MLP((4,), warm_start=True, **few).fit(X, LABELS)
    yield "pipeline", make_pipeline(StandardScaler(), LR(C=1.0)).fit(X, WORDS)
    yield "search", LockstepSearchCV(LR(), grid, cv=2).fit(X, TWO)


def predictions(model, X):
    """What a model says of X: arrays by name, (n_outputs of them) one after another."""
    p = model.predict_proba(X)
    p = np.concatenate(p, axis=1) if isinstance(p, list) else p
    return {"labels": model.predict(X), "probabilities": p}


def main():
    FOLDER.mkdir()
    expected = {"X": X}
    for name, model in models():
        path = FOLDER / name
        path.with_suffix(".pickle").write_bytes(pickle.dumps(model))
        joblib.dump(model, path.with_suffix(".joblib"), compress=3)
        path.with_suffix(".skops").write_bytes(
            skops.io.dumps(model, compression=ZIP_DEFLATED)
        )
        for what, array in predictions(model, X).items():
            expected[f"{name}_{what}"] = array
    np.savez_compressed(FOLDER / "expected.npz", **expected)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # steps too few for a top
    main()
