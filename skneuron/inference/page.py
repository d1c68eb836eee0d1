"""The page that a maximum likelihood estimate's inference is shown on."""

import html
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri
from sklearn.utils._optional_dependencies import check_pandas_support


def _number(value):
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4e}"


def _probability(p):
    return f"{p:.4f}" if p >= 1e-4 else "<0.0001"


COLUMNS = ["estimate", "std_error", "z", "p_value", "ci_low", "ci_high"]
#: How the figures of a column are printed, if not as a number.
FORMATS = {"z": "{:.3f}".format, "p_value": _probability}


@dataclass(eq=False, repr=False)
class MLESummary:
    """What :func:`skneuron.inference.mle_summary` found; printed, a page of text.

    Parameters run over the features and then the intercept, for two classes once, for
    k classes once for every class but the first, the reference.

    Attributes
    ----------
    names : list of str
        Feature names, and ``"intercept"`` if the estimator has one beside them.
    fit_intercept : bool
        Whether there is one, if only among the features.
    classes : ndarray of shape (n_classes,)
        The first is the reference: estimates are of log-odds of the others against it.
    estimate, std_error : ndarray of shape (n_parameters,)
    covariance : ndarray of shape (n_parameters, n_parameters)
        Inverse of the observed information.
    n_observations : float
        Total weight of the samples.
    log_likelihood, null_log_likelihood : float
        Of the model, and of that which knows no feature: intercepts alone, or, without
        intercepts, equal probabilities.
    confidence : float
        Of the intervals.
    z, p_value : ndarray of shape (n_parameters,)
        Estimate over standard error, and the two-sided probability of a normal deviate
        that large.
    ci_low, ci_high : ndarray of shape (n_parameters,)
        Confidence limits: ``estimate -+ quantile * std_error``.
    lr_statistic, lr_df, lr_p_value : float, int, float
        Likelihood-ratio test of the model against the null model.
    aic, bic : float
        Akaike's and Schwarz's criteria, smaller is better.
    pseudo_r2 : float
        McFadden's: ``1 - log_likelihood / null_log_likelihood``.
    """

    names: list
    fit_intercept: bool
    classes: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    covariance: np.ndarray
    n_observations: float
    log_likelihood: float
    null_log_likelihood: float
    confidence: float

    def __post_init__(self):
        n_parameters = len(self.estimate)
        self.z = self.estimate / self.std_error
        self.p_value = 2 * ndtr(-np.abs(self.z))
        half = ndtri(0.5 + self.confidence / 2) * self.std_error
        self.ci_low, self.ci_high = self.estimate - half, self.estimate + half
        self.lr_statistic = 2 * (self.log_likelihood - self.null_log_likelihood)
        self.lr_df = n_parameters - self.fit_intercept * (len(self.classes) - 1)
        self.lr_p_value = float(chdtrc(self.lr_df, max(self.lr_statistic, 0.0)))
        self.aic = 2 * n_parameters - 2 * self.log_likelihood
        price = float(np.log(self.n_observations))
        self.bic = price * n_parameters - 2 * self.log_likelihood
        self.pseudo_r2 = 1 - self.log_likelihood / self.null_log_likelihood

    def to_frame(self):
        """The table of parameters as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame of shape (n_parameters, 6)
            Columns estimate, std_error, z, p_value, ci_low and ci_high. The index holds
            the names; for more than two classes, (class, name).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        check_pandas_support("MLESummary.to_frame")
        import pandas as pd

        index = pd.Index(self.names)
        if len(self.classes) > 2:
            index = pd.MultiIndex.from_product(
                [self.classes[1:], self.names], names=["class", "name"]
            )
        return pd.DataFrame({c: getattr(self, c) for c in COLUMNS}, index=index)

    def _title(self):
        other = f"class {self.classes[1]}" if len(self.classes) == 2 else "each class"
        against = f"log-odds of {other} against class {self.classes[0]}"
        return f"Logistic regression: {against}"

    def _facts(self):
        """The figures of the whole model: (name, text)."""
        return [
            ("Observations", f"{self.n_observations:.10g}"),
            ("Parameters", str(len(self.estimate))),
            ("Log-likelihood", _number(self.log_likelihood)),
            ("Null log-likelihood", _number(self.null_log_likelihood)),
            (f"Likelihood ratio ({self.lr_df} df)", _number(self.lr_statistic)),
            ("p-value of the ratio", _probability(self.lr_p_value)),
            ("AIC", _number(self.aic)),
            ("BIC", _number(self.bic)),
            ("Pseudo-R2 (McFadden)", _number(self.pseudo_r2)),
            ("Confidence", f"{100 * self.confidence:.6g}%"),
        ]

    def _tables(self, rows):
        """The rows of parameters under the class they are of, "" where there is one."""
        size = len(self.names)
        for i, label in enumerate(self.classes[1:]):
            title = "" if len(self.classes) == 2 else f"class {label}"
            yield title, rows[i * size : (i + 1) * size]

    def _parameters(self):
        """For each parameter its name and its figures, as texts."""
        columns = [map(FORMATS.get(c, _number), getattr(self, c)) for c in COLUMNS]
        return list(zip(self.names * (len(self.classes) - 1), *columns))

    def __str__(self):
        facts = self._facts()
        pairs = zip(facts[::2], facts[1::2])
        facts = [(*left, f"  {name}", text) for left, (name, text) in pairs]
        lines = [self._title(), "", *_aligned(facts, "<><>")]
        head, *rows = _aligned([("", *COLUMNS), *self._parameters()], "<>>>>>>")
        for title, of_class in self._tables(rows):
            title = ["", title] if title else [""]
            lines += [*title, head, "-" * len(head), *of_class]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        def row(cells, tag="td"):
            first, *rest = (html.escape(str(cell)) for cell in cells)
            others = "".join(f"<{tag}>{cell}</{tag}>" for cell in rest)
            return f"<tr><th>{first}</th>{others}</tr>"

        facts = "".join(map(row, self._facts()))
        caption = f"<caption>{html.escape(self._title())}</caption>"
        page = f"<table>{caption}<tbody>{facts}</tbody></table>"
        for title, rows in self._tables(self._parameters()):
            head, body = row((title, *COLUMNS), "th"), "".join(map(row, rows))
            page += f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return page


def _aligned(rows, sides):
    """Lines of texts, each column of them to one side, "<" or ">"."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    line = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths))
    return [line.format(*row) for row in rows]
