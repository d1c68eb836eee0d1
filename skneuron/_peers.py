"""Parameters that users bring along from other libraries, and what stands for them."""

from sklearn.utils._param_validation import InvalidParameterError

RATE = "Use learning_rate."
NO_RULE = "Use learning_rate='auto', or a number."
PENALTY = (
    "The penalty is L2: use C of GradientAscentLogisticRegression, which is 1 over its "
    "strength, or alpha of SimpleMLPClassifier, which is its strength."
)
ITERATIONS = "Use max_iter."
STEPS = "Use solver='gradient', with a batch_size for steps on some of the examples."
ALL = "Use solver='auto', or 'newton'."
NO_PENALTY = "Use C=np.inf for no penalty."

#: By what a user writes: the name of a parameter that is not there, or a wrong value.
IN_PLACE = {
    **dict.fromkeys(["learning_rate_init", "eta", "eta0", "lr"], RATE),
    **dict.fromkeys(["penalty", "C", "alpha", "l1_ratio", "weight_decay"], PENALTY),
    **dict.fromkeys(["n_iter", "n_epochs", "epochs"], ITERATIONS),
    "n_jobs": (
        "A fit takes as many threads as the environment variable OMP_NUM_THREADS, or "
        "threadpoolctl, allows."
    ),
    "loss": "What is climbed is always the log-likelihood.",
    "early_stopping": "SimpleMLPClassifier has it, also with hidden_layer_sizes=().",
    "momentum": "SimpleMLPClassifier has it, also with hidden_layer_sizes=().",
    "multi_class": (
        "Several classes are a softmax; for one against the rest, wrap the estimator "
        "in sklearn.multiclass.OneVsRestClassifier."
    ),
    **{f"penalty={kind!r}": PENALTY for kind in ["l1", "l2", "elasticnet"]},
    "penalty='none'": NO_PENALTY,
    **dict.fromkeys(["C=None", "C=0", "C=0.0"], NO_PENALTY),
    "alpha=None": "Use alpha=0 for no penalty.",
    **{f"solver={name!r}": STEPS for name in ["sgd", "sag", "saga"]},
    **{f"solver='{name}'": ALL for name in ["newton-cg", "newton-cholesky"]},
    "solver='liblinear'": ALL,
    "solver='adam'": "SimpleMLPClassifier has it, also with hidden_layer_sizes=().",
    "solver='auto'": "Use solver='adam', or 'lbfgs' for small data.",
    "solver='newton'": "Use solver='lbfgs'.",
    **{
        f"learning_rate={rule!r}": NO_RULE
        for rule in ["constant", "invscaling", "adaptive", "optimal", None]
    },
    "activation='sigmoid'": "Use activation='logistic', which is the sigmoid.",
    "activation='linear'": "Use activation='identity'.",
    "activation=None": "Use activation='identity'.",
    "activation='softmax'": "Outputs have it as it is; hidden neurons have another.",
    "batch_size=None": "Use batch_size='auto'; solver='lbfgs' takes all examples.",
    "batch_size='auto'": "Use batch_size=None for all examples, or a number of them.",
    "hidden_layer_sizes=None": "Use hidden_layer_sizes=() for no hidden layer.",
    "class_weight='auto'": "Use class_weight='balanced'.",
    "tol=None": "Use tol=0.",
}


class AnswersPeers:
    """An estimator that says what to use in place of what other libraries have.

    A mixin, before `BaseEstimator`.
    """

    def __new__(cls, *args, **params):
        """Look at the keywords before Python says that one is not expected."""
        cls._refuse(params, TypeError)
        return super().__new__(cls)

    def set_params(self, **params):
        """Set parameters.

        Parameters
        ----------
        params : dict of str to object
            By their names; those of an estimator in an estimator as
            ``<component>__<parameter>``.

        Returns
        -------
        self : estimator
        """
        self._refuse(params, ValueError)
        return super().set_params(**params)

    @classmethod
    def _refuse(cls, params, error):
        for name in params:
            if name in IN_PLACE and name not in cls._get_param_names():
                raise error(
                    f"{cls.__name__} has no parameter {name!r}. {IN_PLACE[name]}"
                )

    def _validate_params(self):
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            given = [f"{name}={value!r}" for name, value in self.get_params().items()]
            told = [
                IN_PLACE[written]
                for written in given
                if written in IN_PLACE and f"{written.split('=')[0]!r} p" in str(error)
            ]
            raise InvalidParameterError(" ".join([str(error), *told])) from None
