"""Parameters that users bring along from other libraries, and what stands for them."""

import json
from functools import cache
from inspect import signature
from pathlib import Path

from sklearn.utils import _param_validation as validation

#: What to use in place of what: names of parameters that are not there, or wrong values
#: of some that are.
ANSWERS = json.loads(Path(__file__).with_name("_peers.json").read_text("utf-8"))
IN_PLACE = {of: use for use, many in ANSWERS.items() for of in many}

#: What to pass in place of what has such an attribute.
HINTS = {
    "steps": " Of a pipeline pass the last step, pipeline[-1], and X, where it is "
    "asked for, transformed by the others: pipeline[:-1].transform(X).",
    "best_estimator_": " Of a search pass its best_estimator_.",
}


def check_kind(name, est, *kinds):
    """TypeError unless a parameter is an estimator of one of the kinds."""
    if not isinstance(est, kinds):
        hint = "".join(text for of, text in HINTS.items() if hasattr(est, of))
        listed = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{name} must be a fitted {listed}, got {est!r}.{hint}")


def last_step(given, X):
    """The last step of a pipeline, and what reaches it; or the estimator itself."""
    if not hasattr(given, "steps"):
        return given, X
    return given[-1], given[:-1].transform(X) if len(given.steps) > 1 else X


class AnswersPeers:
    """An estimator that says what to use in place of what other libraries have.

    A mixin, before `BaseEstimator`.
    """

    def __new__(cls, *args, **params):
        """Look at the keywords before Python says that one is not expected."""
        words = f"{cls.__name__}.__init__() got an unexpected keyword argument"
        cls._refuse(params, TypeError, words)
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
        self._refuse(params, ValueError, "Invalid parameter", self)
        return super().set_params(**params)

    def _keep_parameters(self, given):
        """Keep what `__init__` was given, its ``locals()``: each by its name."""
        vars(self).update({name: given[name] for name in given if name != "self"})

    @classmethod
    @cache
    def _defaults(cls):
        """Parameters' values by default: a signature takes longer to read than data."""
        return {name: of.default for name, of in signature(cls).parameters.items()}

    @classmethod
    def _get_param_names(cls):
        return sorted(cls._defaults())

    @classmethod
    def _refuse(cls, params, error, before, of=""):
        for name in IN_PLACE.keys() & params.keys() - cls._defaults().keys():
            after = of and f" for estimator {of}"  # which takes a while to print
            raise error(f"{before} {name!r}{after}. {IN_PLACE[name]}")

    def _validate_params(self):
        default, rules = self._defaults(), self._parameter_constraints
        given = {k: v for k, v in self.get_params(False).items() if v is not default[k]}
        try:
            validation.validate_parameter_constraints(rules, given, type(self).__name__)
        except validation.InvalidParameterError as error:
            name = str(error).split("'")[1]  # "The 'C' parameter of ..."
            use = IN_PLACE.get(f"{name}={getattr(self, name)!r}")
            raise type(error)(f"{error} {use}" if use else error) from None
