"""Bounded least squares for few positive parameters of a program that is only asked for results."""
import math

DIFFERENCE = 0.05  # of a logarithm: large enough that steps of the program do not look like slopes
ENOUGH = 1e-4      # relative gain of a step below which the search ends


def solve(matrix, right):
    """The solution of a small system, by elimination with pivots."""
    size = len(right)
    rows = [list(matrix[i]) + [right[i]] for i in range(size)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for i in range(column + 1, size):
            factor = rows[i][column] / rows[column][column]
            for j in range(column, size + 1):
                rows[i][j] -= factor * rows[column][j]
    answer = [0.0] * size
    for i in reversed(range(size)):
        rest = sum(rows[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (rows[i][size] - rest) / rows[i][i]
    return answer


def minimise(residuals, start, lowest, highest, steps=30):
    """Parameters within their bounds with the smallest sum of squares of residuals(parameters).

    Levenberg and Marquardt on logarithms of the parameters, with difference quotients.
    """
    low = [math.log(value) for value in lowest]
    high = [math.log(value) for value in highest]

    def clamped(x):
        return [min(max(value, a), b) for value, a, b in zip(x, low, high)]

    def at(x):
        found = residuals([math.exp(value) for value in x])
        return found, sum(value * value for value in found)

    x = clamped([math.log(value) for value in start])
    now, cost = at(x)
    damping = 1e-3
    for _ in range(steps):
        slopes = []  # [parameter][residual]
        for i in range(len(x)):
            moved = list(x)
            moved[i] += DIFFERENCE if x[i] + DIFFERENCE <= high[i] else -DIFFERENCE
            there, _ = at(moved)
            slopes.append([(b - a) / (moved[i] - x[i]) for a, b in zip(now, there)])
        downhill = [-sum(a * b for a, b in zip(slope, now)) for slope in slopes]
        # At a bound, and pushed beyond it: not a variable of this step.
        free = [i for i in range(len(x))
                if not (x[i] <= low[i] and downhill[i] < 0 or x[i] >= high[i] and downhill[i] > 0)]
        gained = False
        while free and damping < 1e6:
            normal = [[sum(a * b for a, b in zip(slopes[i], slopes[j])) for j in free]
                      for i in free]
            for i in range(len(free)):
                normal[i][i] += damping * max(normal[i][i], 1e-9)
            step = solve(normal, [downhill[i] for i in free])
            trial = list(x)
            for i, change in zip(free, step):
                trial[i] += max(-1.0, min(1.0, change))
            trial = clamped(trial)
            there, trial_cost = at(trial)
            if trial_cost < cost:
                gained = cost - trial_cost > ENOUGH * cost
                x, now, cost = trial, there, trial_cost
                damping = max(damping / 10, 1e-6)
                break
            damping *= 10
        if not gained:
            break
    return [math.exp(value) for value in x]
