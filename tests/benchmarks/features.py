"""Who can do what: each cell of the table is found by trying it.

    python -m tests.benchmarks.features

Run from a checkout. A probe is a few lines that a user would write; a class has the
feature if they run and give what they should. Peers run as they come, with no code of
one's own beyond what is in this file. Those that are not installed are left out:
``pip install statsmodels skorch skl2onnx onnxruntime dask[array] torch==2.13.0``.
"""

import argparse
import warnings
from functools import cache

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import check_estimator

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

from ._timing import Skipped, circumstances, markdown, peer


class Statsmodels:
    """Logit and MNLogit, and GLM where they lack something, as fit and predict."""

    def fit(self, X, y, sample_weight=None):
        sm = peer("statsmodels.api", "statsmodels")
        X = sm.add_constant(X)
        if sample_weight is not None:
            model = sm.GLM(y, X, sm.families.Binomial(), freq_weights=sample_weight)
            self.result = model.fit()
        else:
            kind = sm.Logit if len(np.unique(y)) == 2 else sm.MNLogit
            self.result = kind(y, X).fit(disp=0)
        return self

    def predict(self, X):
        p = np.asarray(self.result.predict(peer_constant(X)))
        return p.argmax(axis=1) if p.ndim == 2 else (p > 0.5).astype(int)

    def predict_proba(self, X):
        p = np.asarray(self.result.predict(peer_constant(X)))
        return p if p.ndim == 2 else np.stack([1 - p, p], axis=1)

    def standard_errors(self):
        return np.asarray(self.result.bse)


def peer_constant(X):
    return peer("statsmodels.api", "statsmodels").add_constant(X, has_constant="add")


@cache
def skorch_class():
    """skorch's classifier with one hidden layer, made for the data that it sees."""
    nn = peer("torch.nn", "torch==2.13.0")
    skorch = peer("skorch", "skorch")
    peer("torch", "torch").manual_seed(0)

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.LazyLinear(20), nn.Sigmoid(), nn.LazyLinear(3), nn.Softmax(dim=-1)
            )

        def forward(self, X):
            return self.layers(X)

    class Classifier(skorch.NeuralNetClassifier):
        def __init__(self, module=Module, lr=0.1, verbose=0, **rest):
            super().__init__(module, lr=lr, verbose=verbose, **rest)

    return Classifier


def skorch_classifier(class_weight=None, early_stopping=False, **given):
    """What it has under names of its own."""
    if class_weight:
        weights = [class_weight.get(c, 1.0) for c in range(3)]
        given["criterion__weight"] = peer("torch", "torch==2.13.0").tensor(weights)
    if early_stopping:
        stop = peer("skorch.callbacks", "skorch").EarlyStopping()
        given["callbacks"] = [stop]
    return skorch_class()(**given)


# --- data -----------------------------------------------------------------------------


def binary(dtype=np.float32):
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X[:, :5]).astype(dtype), y


def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X[:, :2]).astype(np.float32), y


# --- probes: each takes a function that makes the estimator ---------------------------


def several_classes(make):
    X, y = iris()
    p = make().fit(X, y).predict_proba(X)
    return p.shape == (150, 3) and np.allclose(p.sum(axis=1), 1)


def multilabel(make):
    X, y = binary()
    Y = np.stack([y, X[:, 0] + X[:, 1] > 0], axis=1).astype(int)
    return make().fit(X, Y).predict(X).shape == Y.shape


def multioutput(make):
    X, y = iris()
    Y = np.stack([y, (X[:, 0] > 0) + 5], axis=1)
    return make().fit(X, Y).predict(X).shape == Y.shape


def class_weights(make):
    X, y = binary()
    weighted = make(class_weight={0: 50.0, 1: 1.0}).fit(X, y)
    return np.mean(weighted.predict(X) == 0) > np.mean(make().fit(X, y).predict(X) == 0)


def sample_weights(make):
    X, y = binary()
    weighted = make().fit(X, y, sample_weight=np.where(y == 0, 50.0, 1.0))
    return np.mean(weighted.predict(X) == 0) > np.mean(make().fit(X, y).predict(X) == 0)


def sparse(make):
    X, y = binary()
    X = sp.csr_array(np.where(X > 0, X, 0.0))
    return make().fit(X, y).predict(X).shape == y.shape


def mle(make):
    """The maximum of the likelihood, on features as they come, without a warning."""
    warnings.simplefilter("error")
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :10] * np.logspace(0, 6, 10)
    p = np.clip(make().fit(X, y).predict_proba(X), 1e-300, 1)
    best = GradientAscentLogisticRegression(tol=1e-10).fit(X, y).log_likelihood_
    return np.log(p[np.arange(len(y)), y]).sum() > best - 1e-4


def standard_errors(make):
    from skneuron.inference import mle_summary

    X, y = binary(np.float64)
    model = make().fit(X, y)
    if hasattr(model, "standard_errors"):
        return model.standard_errors().shape == (6,)
    if type(model).__module__.startswith("skneuron"):
        return mle_summary(model, X, y).to_frame()["std_error"].shape == (6,)
    return False


def separation(make):
    """Whether it says that classes separate: a warning, or a page of results."""
    X = np.arange(20.0)[:, None]
    y = (X[:, 0] > 9.5).astype(int)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = make().fit(X, y)
    said = [str(warning.message) for warning in caught]
    if isinstance(model, Statsmodels):
        said.append(str(model.result.summary()))
    return any("separat" in words.lower() for words in said)


def lecture(make):
    """theta += eta * gradient from theta = 0, to the last digit, three times."""
    X, y = binary(np.float64)
    theta, X1 = np.zeros(6), np.c_[X, np.ones(len(X))]
    for _ in range(3):
        theta += 0.1 * X1.T @ (y - 1 / (1 + np.exp(-X1 @ theta))) / len(y)
    model = make(learning_rate=0.1, max_iter=3).fit(X, y)
    return np.allclose(np.r_[model.coef_[0], model.intercept_], theta, atol=1e-12)


def curve(make):
    """What the objective was after each iteration."""
    model = make().fit(*binary())
    names = ["log_likelihood_curve_", "loss_curve_", "history_"]
    return any(hasattr(model, name) for name in names)


def callbacks(make):
    from sklearn.callback import ProgressBar

    return hasattr(make(), "set_callbacks") and bool(
        make().set_callbacks(ProgressBar())
    )


def streams(make):
    X, y = binary()
    model = make()
    model.partial_fit(X[:300], y[:300], classes=[0, 1])
    return model.partial_fit(X[300:], y[300:]).predict(X).shape == y.shape


def early_stopping(make):
    return bool(make(early_stopping=True).fit(*binary()))


def float32(make):
    X, y = binary()
    return make().fit(X, y).predict_proba(X).dtype == np.float32


def strings(make):
    X, y = binary()
    labels = np.array(["malignant", "benign"])[y]
    return set(make().fit(X, labels).predict(X)) <= set(labels)


def tensors(make):
    torch = peer("torch", "torch==2.13.0")
    X, y = binary()
    X, y = torch.asarray(X), torch.asarray(y)
    with sklearn.config_context(array_api_dispatch=True):
        return isinstance(make().fit(X, y).predict_proba(X), torch.Tensor)


def dask_arrays(make):
    da = peer("dask.array", "dask[array]")
    X, y = binary()
    X, y = da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)
    return isinstance(make().fit(X, y).predict_proba(X), da.Array)


def onnx(make):
    skl2onnx = peer("skl2onnx", "skl2onnx")
    peer("skneuron.onnx", "skl2onnx").register()
    X, y = binary()
    return bool(skl2onnx.to_onnx(make().fit(X, y), X[:1]))


def estimator_checks(make):
    """How many of scikit-learn's checks of an estimator fail."""
    results = check_estimator(make(), on_fail=None, on_skip=None)
    return f"{sum(result['status'] == 'failed' for result in results)} fail"


PROBES = {
    "several classes, one softmax": several_classes,
    "multilabel y": multilabel,
    "several outputs of labels": multioutput,
    "labels of any type": strings,
    "class weights": class_weights,
    "sample weights": sample_weights,
    "sparse features": sparse,
    "float32 stays float32": float32,
    "PyTorch tensors, where they are": tensors,
    "Dask arrays, where they are": dask_arrays,
    "streams (`partial_fit`)": streams,
    "the MLE, features of any scale, by the defaults": mle,
    "standard errors": standard_errors,
    "says that classes separate": separation,
    "the lecture's steps, to the digit": lecture,
    "early stopping": early_stopping,
    "the climb, kept as a curve": curve,
    "scikit-learn's callbacks": callbacks,
    "ONNX": onnx,
    "scikit-learn's estimator checks": estimator_checks,
}


def network(**given):
    return SimpleMLPClassifier((20,), random_state=0, **given)


def logistic_regression(**given):
    return LogisticRegression(C=np.inf, **given)


def mlp(**given):
    return MLPClassifier((20,), random_state=0, **given)


def sgd(**given):
    return SGDClassifier("log_loss", random_state=0, **given)


CLASSES = {
    "`GradientAscentLogisticRegression`": GradientAscentLogisticRegression,
    "`SimpleMLPClassifier`": network,
    "`LogisticRegression`": logistic_regression,
    "`MLPClassifier`": mlp,
    "`SGDClassifier`": sgd,
    "statsmodels": Statsmodels,
    "skorch": skorch_classifier,
}


def cell(probe, make, why):
    """Yes, a dash, or what the probe says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = probe(make)
    except Skipped as reason:
        return f"({reason})"
    except Exception as error:
        why.append(f"{type(error).__name__}: {str(error).splitlines()[:1]}")
        found = False
    return found if isinstance(found, str) else ("yes" if found else "-")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.features",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--why", action="store_true", help="say what each dash came of")
    options = parser.parse_args()
    rows = []
    for name, probe in PROBES.items():
        cells = []
        for of, make in CLASSES.items():
            why = []
            cells.append(cell(probe, make, why))
            if options.why and why:
                print(f"{name}: {of}: {why[0]}")
        rows.append([name, *cells])
    print(markdown(["", *CLASSES], rows))
    print(
        "\n" + circumstances("scikit-learn", "statsmodels", "skorch", "torch", "dask")
    )


if __name__ == "__main__":
    main()
