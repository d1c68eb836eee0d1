"""How far: the length of the step along a direction.

A step size is a generator that asks, as walks do (:mod:`.loop`), of the place, its
evaluation, the vector along which to go and the direction that gave it. It returns the
next place and its evaluation, or None where it finds no place that is higher.
"""

import math

from .questions import Question


class Rate:
    """``theta + rate * direction``, come what may: the lecture's step.

    A rate may fall, as ``rate / (1 + t / half_life)`` for step t: long strides first,
    then short ones. A step of a mini-batch is a step of the whole likelihood and noise;
    sums of rates without end, and of their squares with one, outlast the noise (Robbins
    & Monro, *A stochastic approximation method*, 1951).

    Parameters
    ----------
    rate : float
    half_life : float, default=inf
        After so many steps the rate is half of what it was.
    """

    def __init__(self, rate, half_life=math.inf):
        self.rate, self.half_life, self.t = rate, half_life, 0

    def next_rate(self):
        """The rate of the step that is taken now."""
        self.t += 1
        return self.rate / (1 + (self.t - 1) / self.half_life)

    def __call__(self, theta, here, along, direction, noise):
        theta = theta + self.next_rate() * along
        return theta, (yield Question(theta, direction.order))


#: What it was called by 0.1.0, whose kept fits ask for it.
FallingRate = Rate


class LineSearch:
    """The first tried length that climbs enough and leaves the slope flat enough.

    The weak Wolfe conditions, found by doubling and interval-halving (Lewis & Overton,
    *Nonsmooth optimization via quasi-Newton methods*, 2013, algorithm 2.6), with a
    cubic's peak, no nearer than a tenth to either end, in place of the middle. A length
    that lowers the value is never taken.

    Parameters
    ----------
    enough, flat : float, default=1e-4, 0.9
        The shares of the slope that a step must gain, and may leave.
    max_tries : int, default=40
    stride : float, default=4.0
        The first try moves the parameters by no more than this times their size + 1.
    patience : int, default=3
        After so many steps on end that gained no more than rounding, from slopes that
        were steep as before, no further one.
    """

    def __init__(self, enough=1e-4, flat=0.9, max_tries=40, stride=4.0, patience=3):
        self.enough, self.flat = enough, flat
        self.max_tries, self.stride, self.patience = max_tries, stride, patience
        self._last_gain, self._least, self._idle, self._renewals = None, math.inf, 0, 0

    def __call__(self, theta, here, along, direction, noise):
        slope = float(along @ here.gradient)
        if not slope > 0 or self._idle >= self.patience:
            return None
        if direction.knows_its_length:
            length = 1.0
        elif self._last_gain is None:
            length = 1.0 / max(1.0, slope**0.5)
        else:  # hope for as much as the last step gained (Nocedal & Wright, (3.60))
            length = _coarse(max(2 * self._last_gain / slope, 1e-12))
        # Where the slope levels out (a top at infinity) the natural length is endless.
        span, size = float(along @ along) ** 0.5, float(theta @ theta) ** 0.5
        length = min(length, self.stride * (1 + size) / span) if span else length
        low, low_gain, low_slope, high, best = 0.0, 0.0, slope, math.inf, None
        # Near the top, differences of the value are rounding, its own or that of
        # logits, sums of terms like theta; the slope still tells.
        noise, rounding = 4 * noise * abs(here.value), 4 * noise * size
        rounding = max(noise, rounding)
        for _ in range(self.max_tries):
            place = theta + length * along
            there = yield Question(place, direction.order)
            gain = there.value - here.value
            there_slope = float(along @ there.gradient)
            least = self.enough * length * slope
            level = -gain <= rounding >= least and abs(there_slope) <= slope
            if not ((gain >= least or level) and math.isfinite(there_slope)):
                high = length
            else:
                best = (place, there)
                if there_slope <= self.flat * slope:
                    break
                low, low_gain, low_slope = length, gain, there_slope
            rise = gain - low_gain if abs(gain - low_gain) > rounding else None
            length = self._next(low, low_slope, high, length, there_slope, rise)
            if best is not None and math.isfinite(high) and high - low <= 1e-3 * high:
                break
        if best is not None:
            gain = best[1].value - here.value
            self._last_gain = gain if gain > 0 else None
            tells = gain > noise or slope < self._least / 2 < math.inf
            self._idle = 0 if tells else self._idle + 1
            self._least = min(self._least, slope)
        return best

    def renew(self):
        """Be patient once more: only for the first few times."""
        self._renewals += 1
        if self._renewals <= self.patience:
            self._idle = 0

    @staticmethod
    def _next(low, low_slope, high, length, there_slope, rise):
        if math.isinf(high):
            return 2 * length if low else 4 * length
        middle, width = 0.5 * (low + high), high - low
        if high == length and math.isfinite(there_slope) and there_slope < 0:
            # Where the cubic of both slopes and the rise from low to high (Nocedal &
            # Wright, (3.59)) is level; without a rise, the line through the slopes.
            both = low_slope + there_slope
            mean = 0.5 * both if rise is None else rise / width
            bend = 3 * mean - both
            root = math.sqrt(bend * bend - low_slope * there_slope)
            peak = low_slope / (root - bend + low_slope)
            peak = low + _coarse(peak * width)
            return min(max(peak, low + 0.1 * width), high - 0.1 * width)
        return low + 0.1 * width if not math.isfinite(there_slope) else middle


def _coarse(length):
    """The nearest power of the fourth root of 2.

    Lengths that follow what was gained before make a chaos of rounding errors, tenfold
    in some iterations. Rounded themselves, they are the same on all machines.
    """
    if not 0 < length < math.inf:
        return length
    return 2.0 ** (round(4 * math.log2(length)) / 4)
