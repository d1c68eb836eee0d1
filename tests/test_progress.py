"""What looks on while a climb runs: callbacks, progress bars, Ctrl-C, `verbose`."""

import itertools
import pickle
import re
import warnings

import numpy as np
import pytest
from reference import binary_data, multiclass_data
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.callback._callback_context import CallbackContext
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier
from skneuron._estimator.fit import NeuronClassifier
from skneuron._model import Objective
from skneuron.model_selection import LockstepSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LR, MLP = GradientAscentLogisticRegression, SimpleMLPClassifier
BOTH = [LR(), MLP((5,), max_iter=30, random_state=0)]
both = pytest.mark.parametrize("model", BOTH, ids=["LR", "MLP"])


class Hook:
    """A callback that counts iterations and acts at one of them."""

    def __init__(self, at=None, error=None):
        self.at, self.error = at, error
        self.iterations = self.setups = self.teardowns = 0
        self.seen = []

    def setup(self, estimator, context):
        self.setups += 1

    def teardown(self, estimator, context):
        self.teardowns += 1

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, fitted_estimator=None
    ):
        if context.parent is None:
            return False
        self.iterations += 1
        if fitted_estimator is not None and X is not None:
            self.seen.append(fitted_estimator.predict(X))
            self.log_likelihood = fitted_estimator.log_likelihood(X, y)
            assert fitted_estimator is not estimator
        if self.at == self.iterations:
            if self.error:
                raise self.error
            return True
        return False


CLIMBS = [
    LR(0.01, tol=0, max_iter=20),
    LR(0.01, tol=0, max_iter=20, batch_size=16, random_state=0),
    LR(solver="lbfgs", tol=0, max_iter=20),
    LR(solver="newton", C=1e-2, tol=0, max_iter=20),
    LR(solver="gradient", tol=0, max_iter=20),
    MLP((4,), tol=0, max_iter=20, random_state=0),
    MLP((4,), solver="gradient", tol=0, max_iter=20, random_state=0),
    MLP((4,), "tanh", solver="lbfgs", tol=0, max_iter=20, random_state=0),
]
climbs = pytest.mark.parametrize("model", CLIMBS, ids=str)


def multiclass_words():
    X, y = multiclass_data()
    return X, np.array(["a", "b", "c"])[y]


@climbs
def test_a_callback_sees_every_iteration(model):
    X, y = multiclass_words()
    hook = Hook()
    fitted = clone(model).set_callbacks(hook).fit(X, y)
    assert hook.iterations == fitted.n_iter_
    assert hook.setups == hook.teardowns == 1
    assert len(hook.seen) == fitted.n_iter_
    np.testing.assert_array_equal(hook.seen[-1], fitted.predict(X))
    assert hook.log_likelihood == pytest.approx(fitted.log_likelihood_, rel=1e-9)
    silent = clone(model).fit(X, y)
    np.testing.assert_array_equal(silent.predict_proba(X), fitted.predict_proba(X))


@both
def test_a_callback_sees_a_second_fit_to_other_features(model):
    X, y = multiclass_words()
    hook = Hook()
    fitted = clone(model).fit(X, y).set_callbacks(hook).fit(X[:, :2], y)
    np.testing.assert_array_equal(hook.seen[-1], fitted.predict(X[:, :2]))


@climbs
def test_a_callback_stops_the_climb(model):
    X, y = multiclass_words()
    stopped = clone(model).set_callbacks(Hook(at=3)).fit(X, y)
    assert stopped.n_iter_ == 3
    assert len(stopped.log_likelihood_curve_) == 4
    three = clone(model).set_params(max_iter=3).fit(X, y)
    np.testing.assert_allclose(
        stopped.predict_proba(X), three.predict_proba(X), rtol=1e-10
    )


@climbs
def test_an_interrupt_keeps_the_climb_so_far(model):
    X, y = multiclass_words()
    fitted = clone(model).set_callbacks(Hook(at=3, error=KeyboardInterrupt()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted.fit(X, y)
    assert any("interrupt" in str(warning.message).lower() for warning in caught)
    assert fitted.n_iter_ == 3
    assert not fitted.converged_
    assert len(fitted.log_likelihood_curve_) == 4
    three = clone(model).set_params(max_iter=3).fit(X, y)
    np.testing.assert_allclose(
        fitted.predict_proba(X), three.predict_proba(X), rtol=1e-10
    )


@both
def test_scoring_monitor(model):
    X, y = multiclass_words()
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    fitted = clone(model).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    assert len(log) >= fitted.n_iter_
    assert fitted.score(X, y) in log["accuracy"].to_numpy()
    best = fitted.log_likelihood_ / len(y)
    assert np.isclose(log["neg_log_loss"].to_numpy(), best, rtol=1e-7).any()


@both
def test_scoring_monitor_with_several_outputs(model):
    X, y = binary_data()
    Y = np.column_stack([y, (X[:, 0] > 0).astype(int)])
    monitor = ScoringMonitor(scoring="accuracy")
    clone(model).set_callbacks(monitor).fit(X, Y)
    assert len(monitor.get_logs().data_as_pandas) > 0


@both
def test_progress_bar(model, capsys):
    pytest.importorskip("rich")
    X, y = binary_data()
    fitted = clone(model).set_callbacks(ProgressBar())
    fitted.fit(X, y)
    assert type(model).__name__ in capsys.readouterr().out
    assert fitted.score(X, y) > 0.5


@both
def test_a_callback_survives_clone_and_pickle(model):
    X, y = binary_data()
    fitted = clone(model).set_callbacks(Hook()).fit(X, y)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X)
    )


# --- the tree of tasks ----------------------------------------------------------------


class Tree:
    """A callback that keeps what it is told, for sub-estimators of any depth."""

    max_propagation_depth = None

    def __init__(self):
        self.told, self.weights = [], []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", *_named(context), context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, metadata=None):
        self.told.append(("end", *_named(context)))
        self.weights.append((metadata or {}).get("sample_weight"))


def _named(context):
    return context.estimator_name, context.task_name, context.task_id


def tasks(model, n_iter, total, name="fit", number=0):
    """What a callback is to be told of one climb."""
    kind = type(model).__name__
    told = [("begin", kind, name, number, total)]
    for n in range(n_iter):
        told.append(("begin", kind, "iteration", n, 0))
        told.append(("end", kind, "iteration", n))
    return [*told, ("end", kind, name, number)]


@climbs
def test_a_subtask_for_each_iteration_of_max_iter(model):
    X, y = multiclass_words()
    tree = Tree()
    fitted = clone(model).set_callbacks(tree).fit(X, y)
    assert tree.told == ["setup", *tasks(model, fitted.n_iter_, 20), "teardown"]


@both
def test_a_climb_that_ends_early_ends_its_task(model):
    X, y = binary_data()
    tree = Tree()
    fitted = clone(model).set_params(tol=1e-1).set_callbacks(tree).fit(X, y)
    assert fitted.n_iter_ < fitted.max_iter
    expected = tasks(model, fitted.n_iter_, fitted.max_iter)
    assert tree.told == ["setup", *expected, "teardown"]


def test_a_climb_that_is_at_the_top_from_the_start():
    X, y = binary_data()
    tree = Tree()
    model = LR(0.1, tol=1e3).set_callbacks(tree).fit(X, y)
    assert model.n_iter_ == 0
    assert tree.told == ["setup", *tasks(model, 0, 1000), "teardown"]


def test_a_climb_that_diverges_ends_its_tasks():
    X, y = binary_data()
    tree = Tree()
    model = MLP((3,), "relu", solver="gradient", learning_rate=1e200, random_state=0)
    model.set_callbacks(tree).fit(X, y)
    begun = [event[1:4] for event in tree.told if event[0] == "begin"]
    ended = [event[1:4] for event in tree.told if event[0] == "end"]
    assert sorted(begun) == sorted(ended)
    assert tree.told[-1] == "teardown"


@both
def test_a_batch_of_a_stream_is_one_iteration(model):
    X, y = binary_data()
    tree = Tree()
    stream = clone(model).set_callbacks(tree)
    stream.partial_fit(X[:30], y[:30], classes=[0, 1]).partial_fit(X[30:], y[30:])
    assert tree.told == ["setup", *tasks(model, 1, 1), "teardown"] * 2


@both
def test_callbacks_are_told_the_weights(model):
    X, y = binary_data()
    tree, weights = Tree(), np.linspace(0.5, 1, 60)
    clone(model).set_callbacks(tree).fit(X, y, sample_weight=weights)
    assert all(of is weights for of in tree.weights)
    tree = Tree()
    clone(model).set_callbacks(tree).fit(X, y)
    assert set(tree.weights) == {None}


@both
def test_propagation_through_pipelines_and_searches(model):
    X, y = binary_data()
    model = clone(model).set_params(max_iter=2, learning_rate=0.01)
    tree = Tree()
    make_pipeline(StandardScaler(), clone(model)).set_callbacks(tree).fit(X, y)
    climb = tasks(model, 2, 2, number=1)
    assert tree.told[-len(climb) - 2 : -2] == climb
    assert tree.told[-2:] == [("end", "Pipeline", "fit", 0), "teardown"]

    told = []
    for search in (LockstepSearchCV, GridSearchCV):
        tree = Tree()
        search = search(model, {"learning_rate": [0.01, 0.1]}, cv=2)
        search.set_callbacks(tree).fit(X, y)
        name = type(search).__name__
        told.append([[*event] for event in tree.told])
        for event in told[-1]:
            event[1] = "search" if event[1] == name else event[1]
    assert told[0] == told[1]
    assert ["begin", "search", "search", 0, 4] in told[0]  # two candidates, two folds


# --- what it costs --------------------------------------------------------------------


@both
def test_without_callbacks_nothing_is_made_for_them(model, monkeypatch):
    X, y = binary_data()

    def never(*args, **kwargs):
        raise AssertionError("nobody looks on")

    monkeypatch.setattr(CallbackContext, "subcontext", never)
    clone(model).fit(X, y)


class Blind(Tree):
    """A callback that does not ask for a fitted estimator."""

    def on_fit_task_end(self, estimator, context):
        pass


@both
def test_an_estimator_is_made_only_for_those_who_ask(model, monkeypatch):
    X, y = binary_data()
    made = []
    fitted = NeuronClassifier._fitted

    def count(*args):
        made.append(1)
        return fitted(*args)

    monkeypatch.setattr(NeuronClassifier, "_fitted", count)
    clone(model).set_callbacks(Blind(), Blind()).fit(X, y)
    assert len(made) == 1  # the fit itself
    both = clone(model).set_callbacks(Hook(), Hook()).fit(X, y)
    assert len(made) == 2 + both.n_iter_  # one an iteration for all who ask


# --- in searches ----------------------------------------------------------------------


def test_scores_on_the_way_in_searches():
    X, y = binary_data()
    logs = []
    for search in (LockstepSearchCV, GridSearchCV):
        monitor = ScoringMonitor(scoring="accuracy")
        model = LR(0.1, max_iter=3).set_callbacks(monitor)
        search(model, {"C": [1.0, 2.0]}, cv=2).fit(X, y)
        log = monitor.get_logs().data
        logs.append([(row["task_id_path"], row["accuracy"]) for row in log])
    assert len(logs[0]) == (4 + 1) * (3 + 1)  # fits times iterations, and their ends
    assert logs[0] == logs[1]


@pytest.mark.parametrize("search", [LockstepSearchCV, GridSearchCV])
def test_a_progress_bar_belongs_to_the_search(search):
    X, y = binary_data()
    inside = LR(0.1, max_iter=3).set_callbacks(ProgressBar())
    search = search(inside, {"C": [1.0, 2.0]}, cv=2, error_score="raise")
    with pytest.raises(TypeError, match="directly on the meta-estimator"):
        search.fit(X, y)


def test_a_hook_that_stops_every_climb_of_a_search():
    X, y = binary_data()

    class Two(Tree):
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "iteration" and context.task_id == 1

    search = LockstepSearchCV(LR(0.1), {"C": [1.0, 2.0]}, cv=2)
    search.set_callbacks(Two()).fit(X, y)
    assert search.best_estimator_.n_iter_ == 2


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_progress_bar_of_a_search(n_jobs, capsys):
    X, y = binary_data()
    model = LR(0.1, max_iter=3)
    search = LockstepSearchCV(model, {"C": [1.0, 2.0]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar()).fit(X, y)
    printed = capsys.readouterr().out
    assert "LockstepSearchCV - search" in printed


# --- interrupts -----------------------------------------------------------------------


@both
@pytest.mark.parametrize("at", ["begin", "end"])
def test_an_interrupt_of_the_first_iteration(model, at):
    X, y = binary_data()

    class Impatient(Blind):
        def on_fit_task_begin(self, estimator, context):
            super().on_fit_task_begin(estimator, context)
            if at == "begin" and context.parent is not None:
                raise KeyboardInterrupt

        def on_fit_task_end(self, estimator, context):
            if at == "end" and context.parent is not None:
                raise KeyboardInterrupt

    hook = Impatient()
    with pytest.warns(UserWarning, match="interrupted after [01] iterations"):
        fitted = clone(model).set_callbacks(hook).fit(X, y)
    assert fitted.n_iter_ == (at == "end")
    assert fitted.predict_proba(X).shape == (60, 2)
    assert hook.told[-1] == "teardown"


def interrupting(monkeypatch, at):
    """An interrupt while an answer of that number is computed; those given so far."""
    answer, given = Objective.answer, []

    def interrupted(self, question):
        given.append(question)
        if len(given) == at:
            raise KeyboardInterrupt
        return answer(self, question)

    monkeypatch.setattr(Objective, "answer", interrupted)
    return given


MANY = {
    "cross_val_score": lambda model, X, y: cross_val_score(model, X, y, cv=2),
    "cross_val_predict": lambda model, X, y: cross_val_predict(model, X, y, cv=2),
    "learning_curve": lambda model, X, y: learning_curve(model, X, y, cv=2),
    "bagging": lambda model, X, y: BaggingClassifier(model).fit(X, y),
    "voting": lambda model, X, y: VotingClassifier([("a", model)]).fit(X, y),
    "one against the rest": lambda model, X, y: OneVsRestClassifier(model).fit(X, y),
    "search": lambda model, X, y: GridSearchCV(model, {}, cv=2).fit(X, y),
    "lockstep": lambda model, X, y: LockstepSearchCV(model, {}, cv=2).fit(X, y),
}


@pytest.mark.parametrize("pipeline", [False, True], ids=["alone", "in a pipeline"])
@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize(
    "model",
    [
        LR(solver="newton"),
        LR(0.1, max_iter=20),
        MLP((3,), solver="lbfgs", random_state=0),
    ],
    ids=str,
)
def test_an_interrupt_ends_many_fits(model, name, pipeline, monkeypatch):
    X, y = binary_data()
    if pipeline:
        model = make_pipeline(StandardScaler(), model)
    given = interrupting(monkeypatch, at=4)
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("error")  # no word of a climb that nobody gets
        MANY[name](model, X, y)
    assert len(given) == 4


def test_an_interrupt_of_a_pipeline_keeps_the_climb(monkeypatch):
    X, y = binary_data()
    interrupting(monkeypatch, at=4)
    with pytest.warns(ConvergenceWarning, match="interrupted after"):
        fitted = make_pipeline(StandardScaler(), LR(0.1)).fit(X, y)
    assert fitted[-1].n_iter_ == 2
    assert fitted.predict_proba(X).shape == (60, 2)


@both
def test_a_second_interrupt_ends_the_fit(model, monkeypatch):
    X, y = binary_data()
    fitted = clone(model).fit(X, y)
    before = fitted.predict_proba(X)

    def interrupted(self, *given):
        raise KeyboardInterrupt

    interrupting(monkeypatch, at=2)
    monkeypatch.setattr(NeuronClassifier, "_keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


# --- verbose --------------------------------------------------------------------------


@both
def test_verbose_prints_the_climb(model, capsys):
    X, y = binary_data()
    clone(model).set_params(verbose=1).fit(X, y)
    printed = capsys.readouterr().out
    assert "log-likelihood" in printed.lower()
    clone(model).fit(X, y)
    assert capsys.readouterr().out == ""


LINE = re.compile(
    r"(\w+): iteration +(\d+)  log-likelihood (-[\d.]+)  \((-[\d.]+) per example\)"
    r"  (?:next at (\d+)|the end)"
)


@pytest.mark.parametrize(
    ("max_iter", "shown"),
    [(1, [0, 1]), (7, [0, 1, 7]), (10, [0, 1, 10]), (123, [0, 1, 10, 100, 123])],
)
@pytest.mark.parametrize(
    "model",
    [LR(0.01, tol=0), MLP((3,), tol=0, n_iter_no_change=999, random_state=0)],
    ids=["LR", "MLP"],
)
def test_verbose_prints_a_line_for_each_decade(model, max_iter, shown, capsys):
    X, y = binary_data()
    model = clone(model).set_params(max_iter=max_iter, verbose=1)
    model.fit(X, y)
    lines = [LINE.fullmatch(line) for line in capsys.readouterr().out.splitlines()]
    assert all(lines)
    assert [int(line[2]) for line in lines] == shown
    assert {line[1] for line in lines} == {type(model).__name__}
    for line, later in itertools.pairwise(lines):
        assert int(later[2]) == min(int(line[5]), max_iter)
    assert float(lines[-1][3]) == pytest.approx(model.log_likelihood_curve_[-1], abs=1)
    for line in lines:
        assert float(line[4]) == pytest.approx(float(line[3]) / 60, abs=1e-6)
