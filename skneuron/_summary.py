"""The page that a maximum likelihood estimate's inference is shown on."""

import html
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

COLUMNS = ["estimate", "std_error", "z", "p_value", "ci_low", "ci_high"]


@dataclass(eq=False, repr=False)
class MLESummary:
    """What :func:`skneuron.inference.mle_summary` found; printed, a page of text.

    Parameters run over the features and then the intercept, for two classes once, for
    k classes once for every class but the first, the reference.

    Attributes
    ----------
    names : list of str
        Feature names, and ``"intercept"`` if there is one.
    fit_intercept : bool
        Whether there is.
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
        self.bic = np.log(self.n_observations) * n_parameters - 2 * self.log_likelihood
        self.bic = float(self.bic)
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
        import pandas as pd

        index = pd.Index(self.names)
        if len(self.classes) > 2:
            index = pd.MultiIndex.from_product(
                [self.classes[1:], self.names], names=["class", "name"]
            )
        return pd.DataFrame({c: getattr(self, c) for c in COLUMNS}, index=index)

    def _against(self):
        other = f"class {self.classes[1]}" if len(self.classes) == 2 else "each class"
        return f"log-odds of {other} against class {self.classes[0]}"

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

    def _tables(self):
        """For each class but the reference: it, and its rows of texts."""
        formats = [_number, _number, lambda z: f"{z:.3f}", _probability, _number]
        columns = [
            [form(value) for value in getattr(self, column)]
            for column, form in zip(COLUMNS, [*formats, _number])
        ]
        rows = list(zip(*columns))
        size = len(self.names)
        for i, label in enumerate(self.classes[1:]):
            cells = rows[i * size : (i + 1) * size]
            yield label, [(name, *row) for name, row in zip(self.names, cells)]

    def __str__(self):
        tables = list(self._tables())
        cells = [("", *COLUMNS), *(row for _, rows in tables for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [f"Logistic regression: {self._against()}", ""]
        facts = [text for pair in self._facts() for text in pair]
        columns = [facts[i::4] for i in range(4)]
        sizes = [max(map(len, column)) for column in columns]
        for name, value, other, its_value in zip(*columns):
            left = f"{name:<{sizes[0]}}  {value:>{sizes[1]}}"
            right = f"{other:<{sizes[2]}}  {its_value:>{sizes[3]}}"
            lines.append(f"{left}    {right}")
        for label, rows in tables:
            lines.append("")
            if len(tables) > 1:
                lines.append(f"class {label}")
            head, *rows = (
                "  ".join(
                    [f"{row[0]:<{widths[0]}}"]
                    + [f"{text:>{width}}" for text, width in zip(row[1:], widths[1:])]
                )
                for row in [("", *COLUMNS), *rows]
            )
            lines += [head, "-" * len(head), *rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        def row(cells, tag="td"):
            first, *rest = (html.escape(str(cell)) for cell in cells)
            others = "".join(f"<{tag}>{cell}</{tag}>" for cell in rest)
            return f"<tr><th>{first}</th>{others}</tr>"

        caption = html.escape(f"Logistic regression: {self._against()}")
        facts = "".join(row(fact) for fact in self._facts())
        page = f"<table><caption>{caption}</caption><tbody>{facts}</tbody></table>"
        for label, rows in self._tables():
            title = "" if len(self.classes) == 2 else f"class {label}"
            head, body = row((title, *COLUMNS), "th"), "".join(map(row, rows))
            page += f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return page


def _number(value):
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4e}"


def _probability(p):
    return f"{p:.4f}" if p >= 1e-4 else "<0.0001"
