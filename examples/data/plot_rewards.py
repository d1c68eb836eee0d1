"""
Learning from rewards
=====================

Nobody says which action was right; there is only a reward for what came of it. Deep
reinforcement learning makes maximum likelihood of that: it raises the log-likelihood of
the actions that were taken, each weighted by how well it went on. This example balances
a pole on a cart with REINFORCE, and the network that it takes is a plain
:class:`~skneuron.SimpleMLPClassifier`.
"""

# %%
# The game
# --------
# A cart on a track carries a pole. Every fiftieth of a second it is pushed to the left
# or to the right, there is nothing in between. The episode is over when the pole leans
# by more than 12 degrees, when the cart leaves the track, or after 200 pushes. The
# state has four numbers; the physics are those of Barto, Sutton & Anderson (1983).

import matplotlib.pyplot as plt
import numpy as np

from skneuron import SimpleMLPClassifier

TRACK, LEAN, LONGEST = 2.4, np.radians(12), 200
SCALES = np.array([1.0, 1.5, 0.1, 1.5])  # what the four numbers usually are


def push(state, right):
    """The states after a push, of many carts at once: (n, 4)."""
    _, speed, angle, turning = state.T
    force = np.where(right, 10.0, -10.0)
    sin, cos = np.sin(angle), np.cos(angle)
    whole, pole, length = 1.1, 0.1, 0.5  # kg, kg, half of the pole in m
    pressed = (force + pole * length * turning**2 * sin) / whole
    turns = 9.8 * sin - cos * pressed
    turns = turns / (length * (4 / 3 - pole * cos**2 / whole))
    moves = pressed - pole * length * turns * cos / whole
    return state + 0.02 * np.column_stack([speed, moves, turning, turns])


def play(policy, n_episodes, rng):
    """Play episodes side by side; states, actions, and who was still in the game."""
    state = rng.uniform(-0.05, 0.05, (n_episodes, 4))
    alive, states, actions, in_game = np.ones(n_episodes, dtype=bool), [], [], []
    while alive.any() and len(states) < LONGEST:
        right = rng.random(n_episodes) < policy(state / SCALES)
        states.append(state / SCALES)
        actions.append(right)
        in_game.append(alive)
        state = push(state, right)
        alive = alive & (abs(state[:, 0]) < TRACK) & (abs(state[:, 2]) < LEAN)
    return np.array(states), np.array(actions), np.array(in_game)


# %%
# What to weigh an action by
# --------------------------
# Each push that the game goes on for is a reward of 1. The *return* of an action is the
# sum of the rewards from there on, those far ahead counting less. The *advantage* is
# how much better that is than the mean return of the other episodes at the same moment,
# the *baseline*. So about half of the weights are negative. An action that was worse
# than usual counts against its label: the step makes it less likely.


def advantages(in_game, discount=0.98):
    """How much better each action went on than those of the other episodes."""
    returns, ahead = np.zeros(in_game.shape), 0.0
    for moment in reversed(range(len(in_game))):
        ahead = in_game[moment] * (1.0 + discount * ahead)
        returns[moment] = ahead
    players = in_game.sum(axis=1, keepdims=True)
    less = returns - returns.sum(axis=1, keepdims=True) / players
    return less / less[in_game].std()


# %%
# The climb
# ---------
# That is all. The policy's probability of a push to the right is ``predict_proba``, and
# what is learned from a round of episodes is one ``partial_fit``: states, actions, and
# the advantages as ``sample_weight``. The first round is played by a coin.

rng = np.random.default_rng(0)
network = SimpleMLPClassifier(
    (16,), activation="tanh", alpha=0, batch_size=100_000, random_state=0
)


def coin(states):
    return np.full(len(states), 0.5)


def learned(states):
    return network.predict_proba(states)[:, 1]


lengths = []
for n_round in range(60):
    states, actions, in_game = play(coin if n_round == 0 else learned, 30, rng)
    weights = advantages(in_game)
    network.partial_fit(
        states[in_game],
        actions[in_game],
        classes=[False, True],
        sample_weight=weights[in_game],
    )
    lengths.append(in_game.sum(axis=0))

for n_round in [0, 19, 39, 59]:
    print(f"round {n_round + 1:2}: {np.mean(lengths[n_round]):5.1f} pushes an episode")

# %%
# How the mean reward climbs
# --------------------------
# The gradient of the mean return, as far as chance shows it in 30 episodes, is the
# gradient of this weighted log-likelihood. So the mean return climbs, if not at every
# step.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
rounds = np.arange(1, len(lengths) + 1)
ax.plot(rounds, lengths, ".", color="#56b4e9", ms=3, alpha=0.5)
ax.plot(rounds, np.mean(lengths, axis=1), color="#0072b2", lw=2, label="mean of 30")
ax.axhline(LONGEST, color="0.5", ls=":", lw=1)
ax.set(
    xlabel="round of 30 episodes, each a step of the climb",
    ylabel="pushes until the pole falls",
    title="From a coin to a balanced pole",
)
ax.legend(loc="lower right")

# %%
# The policy
# ----------
# What has it learned? A slice through the four dimensions, the cart standing still in
# the middle: push towards the side that the pole leans to, and falls to. That is what a
# hand does under a broomstick.

angles, turnings = np.meshgrid(np.linspace(-1.5, 1.5, 81), np.linspace(-1.5, 1.5, 81))
still = np.zeros(angles.size)
slice_of_states = np.column_stack([still, still, angles.ravel(), turnings.ravel()])
probability = learned(slice_of_states).reshape(angles.shape)

fig, ax = plt.subplots(figsize=(6, 4.6), layout="constrained")
filled = ax.contourf(
    np.degrees(angles * SCALES[2]),
    turnings * SCALES[3],
    probability,
    levels=np.linspace(0, 1, 11),
    cmap="RdBu_r",
)
fig.colorbar(filled, label="probability of a push to the right")
ax.set(
    xlabel="lean of the pole (degrees, to the right)",
    ylabel="how fast it turns (radians a second)",
    title="The policy: go where the pole falls",
)

plt.show()
