"""To ONNX by skl2onnx: the estimators, alone, in pipelines and in searches."""

from contextlib import suppress
from importlib.util import find_spec

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import check_is_fitted

from ._data import Targets
from .logistic_regression import GradientAscentLogisticRegression
from .mlp import SimpleMLPClassifier
from .model_selection import LockstepSearchCV

ALIAS = "SkneuronClassifier"

OPERATORS = dict(identity="Identity", logistic="Sigmoid", relu="Relu", tanh="Tanh")

OPTIONS = {of: [True, False] for of in ("nocl", "output_class_labels", "raw_scores")}
OPTIONS["zipmap"] = [True, False, "columns"]


def register() -> None:
    """Tell skl2onnx how to convert the estimators of this package.

    From then on `skl2onnx.to_onnx` and `skl2onnx.convert_sklearn` take both estimators
    and `LockstepSearchCV`, by themselves or as parts of whatever else skl2onnx knows.
    Calling it again changes nothing.

    Raises
    ------
    ImportError
        If skl2onnx is not installed; ``pip install "skneuron[onnx]"`` does it.

    Notes
    -----
    What a graph puts out has the names, types and options that skl2onnx gives to
    scikit-learn's own classifiers:

    =====================  ==============  ===================================
    y                      ``label``       ``probabilities``
    =====================  ==============  ===================================
    (n,)                   (n,)            (n, n_classes)
    (n, m) of 0 and 1      (n, m)          (n, m)
    (n, m) of labels       (n, m)          sequence of m (n, n_classes)
    =====================  ==============  ===================================

    Labels are int64 (of classes that are bool, too) or strings; other classes, and
    columns of both kinds, need the option ``nocl``, with which labels are places in
    `classes_`. ``zipmap``, which is on unless told otherwise, makes dictionaries or
    columns of the probabilities of a single output; several outputs have none.
    ``raw_scores`` puts out logits; for two classes, of each.

    The graph computes in single precision where both its input and the fitted
    attributes are float32, and otherwise in double, as the estimator does, so that both
    say the same. For a graph in single precision fit on float32 features, or set the
    fitted attributes to what they are in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skl2onnx import to_onnx
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.onnx import register
    >>> register()
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = GradientAscentLogisticRegression(C=1.0).fit(X, y)
    >>> graph = to_onnx(clf, X[:1], options={"zipmap": False})

    Wherever ONNX runs, the graph can stand in for the estimator:

    >>> from onnxruntime import InferenceSession
    >>> session = InferenceSession(graph.SerializeToString())
    >>> labels, probabilities = session.run(None, {"X": X})
    >>> np.array_equal(labels, clf.predict(X))
    True
    >>> np.allclose(probabilities, clf.predict_proba(X))
    True
    """
    if find_spec("skl2onnx") is None:
        raise ImportError('To ONNX it takes skl2onnx: pip install "skneuron[onnx]".')
    from skl2onnx import update_registered_converter, update_registered_parser
    from skl2onnx._supported_operators import sklearn_operator_name_map

    how = {"parser": _parse, "options": OPTIONS}
    for kind in (GradientAscentLogisticRegression, SimpleMLPClassifier):
        # Types and shapes are known from the start: there is nothing to infer.
        update_registered_converter(kind, ALIAS, lambda _: None, _convert, **how)
    sklearn_operator_name_map[LockstepSearchCV] = "SklearnGridSearchCV"
    update_registered_parser(LockstepSearchCV, _parse_search)


def _parse_search(scope, model, inputs, custom_parsers=None):
    """As skl2onnx's parser of GridSearchCV."""
    from skl2onnx._parse import sklearn_parsers_map

    check_is_fitted(model, "best_estimator_")
    return sklearn_parsers_map[GridSearchCV](scope, model, inputs, custom_parsers)


def _parse(scope, model, inputs, custom_parsers=None):
    """Declare what the graph of a model puts out: skl2onnx's `parser`."""
    from skl2onnx._parse import _apply_zipmap
    from skl2onnx.common import data_types

    check_is_fitted(model)
    targets, labels, label_type = _labels(scope, model)
    options = scope.get_options(model, {"zipmap": True, "output_class_labels": False})
    zipmap = False if targets.several else options["zipmap"]
    if targets.several and options["zipmap"] == "columns":
        raise ValueError("zipmap='columns' is for one output; for several, set False.")
    if zipmap and options["output_class_labels"]:
        raise ValueError("output_class_labels=True needs zipmap=False.")

    # There are no dictionaries of doubles.
    kind = data_types.guess_tensor_type(inputs[0].type)
    kind = data_types.FloatTensorType() if zipmap is True else kind
    classes = labels if targets.several else labels[0]
    shape = [inputs[0].get_first_dimension(), len(classes)]
    if targets.several and not targets.multilabel:
        kind = data_types.SequenceType(kind)  # which has no shape
    else:
        kind.shape = shape
    label = label_type(shape[: 1 + targets.several])
    operator = scope.declare_local_operator(ALIAS, model)
    operator.inputs = inputs
    for name, of in ("label", label), ("probabilities", kind):
        operator.outputs.append(scope.declare_local_variable(name, of))
    if zipmap:
        return _apply_zipmap(zipmap, scope, model, kind, operator.outputs)
    if not options["output_class_labels"]:
        return operator.outputs
    constant = scope.declare_local_operator("SklearnClassLabels")
    constant.is_multi_output = targets.several
    constant.classes = classes
    kind = data_types.SequenceType(label_type()) if targets.several else label_type()
    constant.outputs.append(scope.declare_local_variable("class_labels", kind))
    return [*operator.outputs, *constant.outputs]


def _convert(scope, operator, container):
    """Write the forward pass in ONNX's operators: skl2onnx's `convert_fct`."""
    from skl2onnx.algebra import onnx_ops
    from skl2onnx.common.data_types import FloatTensorType, guess_proto_type
    from skl2onnx.proto import TensorProto

    def node(name, *inputs, **attributes):
        kind = getattr(onnx_ops, f"Onnx{name}")
        return kind(*inputs, op_version=container.target_opset, **attributes)

    def put_out(place, name, *inputs, **attributes):
        names = [operator.outputs[place]]
        node(name, *inputs, output_names=names, **attributes).add_to(scope, container)

    model, inputs = operator.raw_operator, operator.inputs
    targets, labels, _ = _labels(scope, model)
    raw = scope.get_options(model, {"raw_scores": False})["raw_scores"]
    single = all(isinstance(column.type, FloatTensorType) for column in inputs)
    # With the intercepts as a last row.
    layers = [np.vstack([W, np.broadcast_to(b, W.shape[1])]) for W, b in model._layers]
    dtype = np.result_type(np.float32 if single else np.float64, *layers)
    *hidden, last = (layer.astype(dtype) for layer in layers)
    inside = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
    kind = operator.outputs[1].type  # a tensor, or a sequence of such
    outside = guess_proto_type(getattr(kind, "element_type", kind))

    def affine(a, layer):
        return node("Gemm", a, layer[:-1], layer[-1])

    def slid(a, layer, kind):  # Conv is for single precision alone
        seen = node("Gather", a, kind.seen(np.arange(np.prod(kind.under))), axis=1)
        z = node("Add", node("MatMul", seen, layer[:-1]), layer[-1])
        places = np.repeat(np.arange(kind.n_places)[:, None], kind.shape[1], axis=1)
        squares = [at[..., 0].ravel() for at in kind.squares(places)]
        squares = [node("Gather", z, at, axis=1) for at in squares]
        return node("Flatten", node("Max", *squares), axis=1)

    a = node("Concat", *(node("Cast", of, to=inside) for of in inputs), axis=1)
    network, _ = model._fitted_network(np.empty((0, model.n_features_in_)))
    for layer, kind in zip(hidden, network.kinds):
        z = slid(a, layer, kind) if kind.picture else affine(a, layer)
        a = node(OPERATORS[model._activation()], z)

    if targets.multilabel:
        z = affine(a, last)
        put_out(0, "Cast", node("Greater", z, np.zeros(1, dtype)), to=TensorProto.INT64)
        put_out(1, "Cast", z if raw else node("Sigmoid", z), to=outside)
        return
    chosen, scores = [], []
    for names, (_, layer) in zip(labels, targets.split(last)):
        two = len(names) > layer.shape[1]  # one logit: log-odds of the second class
        z = affine(a, np.hstack([-layer, layer]) if two else layer)
        likeliest = node("ArgMax", z, axis=1, keepdims=int(targets.several))
        chosen.append(node("Gather", names, likeliest))
        if not raw:
            z = node("Sigmoid", z) if two else node("Softmax", z, axis=1)
        scores.append(node("Cast", z, to=outside))
    put_out(0, "Concat", *chosen, axis=int(targets.several))
    put_out(1, "SequenceConstruct" if targets.several else "Identity", *scores)


def _labels(scope, model):
    """The targets; the classes of each output as ONNX can have them; and their type."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    targets = Targets(model.classes_)
    classes = targets.per_output
    if scope.get_options(model, {"nocl": False})["nocl"]:
        return targets, [np.arange(len(of)) for of in classes], Int64TensorType
    if all(isinstance(label, str) for of in classes for label in of):
        return targets, [of.astype(object) for of in classes], StringTensorType
    with suppress(TypeError, ValueError):
        whole = [of.astype(np.int64) for of in classes]
        if all(map(np.array_equal, whole, classes)):
            return targets, whole, Int64TensorType
    raise ValueError(
        "Labels in ONNX are all strings, or all whole numbers, unlike the classes "
        f"{[of.tolist() for of in classes]}. With the option nocl=True they are places "
        "in classes_."
    )
