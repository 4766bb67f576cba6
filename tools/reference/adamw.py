"""Reference steps of AdamW on a cosine schedule with averaged weights, from PyTorch and numpy.

    pip install torch numpy
    python tools/reference/adamw.py OUTPUT_FOLDER

A linear layer of three inputs and two outputs learns from four samples by torch.optim.AdamW, its
bias without weight decay, with gradients clipped by torch.nn.utils.clip_grad_norm_. The step size
rises linearly to its largest over the first twentieth of all steps, rounded up, and falls along half
a cosine over the rest. What predicts is a running mean of the weights after each step: of all so
far, and from `averaged_steps` steps on exponential, the newest counting for 1 / averaged_steps.

Writes OUTPUT_FOLDER/adamw.json:

  learning_rate, weight_decay, max_gradient_norm, averaged_steps, steps
  input, target             [sample][in], [sample][out]
  start                     weight [in][out] and bias [out] that it starts from
  weights, means            weight and bias after each step, and their running means
  norms                     of the gradients of each step, before clipping
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

LEARNING_RATE, WEIGHT_DECAY, MAX_NORM, AVERAGED, STEPS = 0.1, 0.3, 2.0, 5, 30


def factor(step: int) -> float:
    """Of the step size, steps counted from 0."""
    warm_up = math.ceil(0.05 * STEPS)
    if step < warm_up:
        return (step + 1) / warm_up
    return (1 + math.cos(math.pi * (step - warm_up) / (STEPS - warm_up))) / 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="folder that the file is written into")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    generator = np.random.default_rng(1)
    x, y = (generator.normal(size=(4, size)).round(2) for size in (3, 2))
    start = {"weight": generator.normal(size=(3, 2)).round(2), "bias": np.array([2.5, -1.75])}
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    groups = [
        {"params": [parameters["weight"]], "weight_decay": WEIGHT_DECAY},
        {"params": [parameters["bias"]], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    history: dict[str, list[np.ndarray]] = {"weight": [], "bias": []}
    norms = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        output = torch.tensor(x) @ parameters["weight"] + parameters["bias"]
        F.mse_loss(output, torch.tensor(y)).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), MAX_NORM).item())
        optimizer.step()
        schedule.step()
        for name, value in parameters.items():
            history[name].append(value.detach().numpy().copy())
    if not min(norms) < MAX_NORM < max(norms):
        raise SystemExit("gradients of both kinds, clipped and not, are wanted")

    def means(values: list[np.ndarray]) -> list[list]:
        mean = np.mean(values[:AVERAGED], axis=0)
        after = [np.mean(values[: i + 1], axis=0) for i in range(AVERAGED)]
        for value in values[AVERAGED:]:
            mean = mean * (1 - 1 / AVERAGED) + value / AVERAGED
            after.append(mean)
        return [value.round(8).tolist() for value in after]

    result = {
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY,
        "max_gradient_norm": MAX_NORM,
        "averaged_steps": AVERAGED,
        "steps": STEPS,
        "input": x.tolist(),
        "target": y.tolist(),
        "start": {name: value.tolist() for name, value in start.items()},
        "weights": {
            name: [value.round(8).tolist() for value in values] for name, values in history.items()
        },
        "means": {name: means(values) for name, values in history.items()},
        "norms": [round(norm, 8) for norm in norms],
    }
    path = arguments.output / "adamw.json"
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"norms {max(norms):.3f} to {min(norms):.3f}; {path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
