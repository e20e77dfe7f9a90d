"""The reference of core/src/search/learn/gaussian.rs: prints reference.rs.inc beside it. Needs numpy only.

    python gda.py > ../../core/src/search/learn/reference.rs.inc
"""

import numpy as np

ROWS, DIM, CLASSES = 7, 5, np.array([0, 0, 0, 1, 1, 1, 1])

i, j = np.arange(ROWS)[:, None], np.arange(DIM)[None, :]
features = np.sin(1.0 + 3.0 * i + 7.0 * j * (i + 1))
features /= np.linalg.norm(features, axis=1, keepdims=True)

# main_few_shots.py of the paper's repository, in f64 and numpy.
means = np.stack([features[CLASSES == k].mean(0) for k in range(2)])
centred = np.concatenate([features[CLASSES == k] - means[k] for k in range(2)])
covariance = np.cov(centred.T)
precision = DIM * np.linalg.pinv((ROWS - 1) * covariance + np.trace(covariance) * np.eye(DIM))
weights = means @ precision
biases = -0.5 * (weights * means).sum(1)

print("[")
for weight, bias in zip(weights, biases):
    print(f"    ([{', '.join(f'{w:.15e}' for w in weight)}], {bias:.15e}),")
print("]")
