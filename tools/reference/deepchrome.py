"""Reference tensors of the DeepChrome network, from PyTorch.

    pip install torch
    python tools/reference/deepchrome.py OUTPUT_FOLDER

The convolutional network of Singh et al. (Bioinformatics 2016, QData/DeepChrome, code/2_model.lua)
with one output: convolution over the bins, ReLU, max pooling, flatten, dropout, linear, ReLU,
linear, ReLU, linear. Flattened is [batch, filters, positions], filter after filter (the Torch7 code
has positions before filters, which only permutes the columns of linear_1). Dropout is left out: it
is the identity in evaluation, and what it draws in training belongs to one generator.

Writes OUTPUT_FOLDER/deepchrome.json: two small networks in single precision, of which the first has
bins that pooling leaves over at the end and the second has none, each with

  config                    numbers of channels, bins, filters, ...; positions = pooled positions
  input                     [batch, channels, bins]
  weights                   by name, as in PyTorch's state_dict: convolution.weight [filters,
                            channels, width], linear_1.weight [out, in], ...
  convolution, pooled, hidden_1, hidden_2
                            after ReLU; after pooling; after the ReLU of each linear layer
  output                    [batch, 1]
  regression, classification
                            targets, loss (mean squared error; mean binary cross entropy of the
                            output as a logit, targets 0 and 1) and its gradients by the names of
                            the weights, and by the input

Numbers are single precision, written so that they read back exactly. Weights and data are drawn
again while a unit is zero for the whole batch, which would leave its gradients untested. The script
stops where the gradients differ from those in double precision by more than rounding.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONFIGS = {
    "bins_left_over": {
        "channels": 3, "bins": 24, "filters": 4, "width": 5, "pool": 3, "hidden": [6, 5],
    },
    "bins_divisible": {
        "channels": 2, "bins": 15, "filters": 3, "width": 4, "pool": 4, "hidden": [5, 4],
    },
}  # fmt: skip
BATCH = 4


class DeepChrome(nn.Module):
    def __init__(
        self, channels: int, bins: int, filters: int, width: int, pool: int, hidden: list[int]
    ) -> None:
        super().__init__()
        self.pool = pool
        self.positions = (bins - width + 1) // pool
        self.convolution = nn.Conv1d(channels, filters, width)
        self.linear_1 = nn.Linear(filters * self.positions, hidden[0])
        self.linear_2 = nn.Linear(hidden[0], hidden[1])
        self.head = nn.Linear(hidden[1], 1)

    def forward(self, signal: Tensor) -> dict[str, Tensor]:
        """Signal [batch, channels, bins] to the output [batch, 1] and all before it."""
        convolution = F.relu(self.convolution(signal))
        pooled = F.max_pool1d(convolution, self.pool)
        hidden_1 = F.relu(self.linear_1(pooled.flatten(1)))
        hidden_2 = F.relu(self.linear_2(hidden_1))
        return {
            "convolution": convolution,
            "pooled": pooled,
            "hidden_1": hidden_1,
            "hidden_2": hidden_2,
            "output": self.head(hidden_2),
        }


LOSSES = {
    "regression": F.mse_loss,
    "classification": F.binary_cross_entropy_with_logits,
}


def learn(model: DeepChrome, name: str, signal: Tensor, targets: Tensor) -> tuple[Tensor, dict]:
    """The loss, and its gradients by name."""
    signal = signal.clone().requires_grad_()
    loss = LOSSES[name](model(signal)["output"], targets)
    inputs = {**dict(model.named_parameters()), "input": signal}
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    return loss.detach(), dict(zip(inputs, gradients, strict=True))


def check(config: dict, model: DeepChrome, name: str, signal: Tensor, targets: Tensor) -> None:
    """Stops where double precision gives other gradients."""
    double = DeepChrome(**config).double()
    double.load_state_dict(model.state_dict())
    _, gradients = learn(model, name, signal, targets)
    _, expected = learn(double, name, signal.double(), targets.double())
    for weight, gradient in gradients.items():
        error = (gradient - expected[weight]).abs().max() / expected[weight].abs().max()
        if not error < 1e-5:
            raise SystemExit(f"{name}, {weight}: the gradient is wrong by {error:.1e}")


def draw(config: dict) -> tuple[DeepChrome, Tensor]:
    """A network and a signal that keep every unit above zero for some samples, not for all."""
    while True:
        model = DeepChrome(**config)
        # Larger than PyTorch's own draw, so that an error in any layer shows in the output.
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.5)
        signal = torch.randn(BATCH, config["channels"], config["bins"])
        values = model(signal)
        alive = [values[name] > 0 for name in ("hidden_1", "hidden_2")]
        if all(unit.any(0).all() and not unit.all() for unit in alive):
            return model, signal


def reference(config: dict, seed: int) -> dict:
    torch.manual_seed(seed)
    model, signal = draw(config)
    targets = {
        "regression": torch.randn(BATCH, 1),
        "classification": torch.tensor([[1.0], [0.0], [0.0], [1.0]]),
    }
    result = {
        "config": {**config, "positions": model.positions},
        "input": signal.tolist(),
        "weights": {name: weight.tolist() for name, weight in model.state_dict().items()},
        **{name: value.tolist() for name, value in model(signal).items()},
    }
    for name, values in targets.items():
        check(config, model, name, signal, values)
        loss, gradients = learn(model, name, signal, values)
        result[name] = {
            "targets": values.tolist(),
            "loss": loss.item(),
            "gradients": {weight: gradient.tolist() for weight, gradient in gradients.items()},
        }
    return result


def shorten(value):
    """Numbers to as few digits as single precision needs."""
    if isinstance(value, dict):
        return {name: shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shorten(inner) for inner in value]
    if isinstance(value, float):
        return next(
            short
            for digits in range(1, 10)
            if torch.tensor(short := float(f"{value:.{digits}g}")) == torch.tensor(value)
        )
    return value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="folder that the file is written into")
    parser.add_argument("--seed", type=int, default=1, help="of weights and data (default 1)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(1)
    results = {name: reference(config, arguments.seed) for name, config in CONFIGS.items()}
    path = arguments.output / "deepchrome.json"
    path.write_text(json.dumps(shorten(results), separators=(",", ":")) + "\n")
    for name, result in results.items():
        losses = ", ".join(f"{loss} {result[loss]['loss']:.6f}" for loss in LOSSES)
        print(f"{name}: {losses}")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
