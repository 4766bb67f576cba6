"""Reference attributions of the Epidelta and DeepDiff networks, from PyTorch.

    pip install torch numpy
    python tools/reference/attributions.py OUTPUT_FOLDER

What each bin of each mark does to the predicted log2 fold change of its gene, in the networks of
epidelta_network.py (same weights, signal and cell types, drawn by its functions; where
OUTPUT_FOLDER has their epidelta.json, they must be the same numbers) and in a small DeepDiff of the
variant raw-aux, made of nn.LSTM. The signal is the one given to the network, before any scale.

  saliency                  gradient of the prediction
  integrated gradients      (Sundararajan, Taly and Yan, ICML 2017) signal minus baseline, times the
                            mean of the gradient on the straight line from the baseline to the
                            signal, by Gauss-Legendre quadrature of 300 nodes. Baselines: "equal",
                            where both cell types have the mean of A's and B's signal, and "zero",
                            without any signal. For each gene they sum up to the prediction minus
                            that at the baseline, and are those of 200 nodes (checked to 1e-9).

Writes OUTPUT_FOLDER/attributions.json: `epidelta`, by the names of the networks in epidelta.json,
and `deep_diff`, each with

  saliency_a, saliency_b    by the signal of cell type A and of B, [mark][gene][bin]
  integrated_gradients_equal_a, integrated_gradients_equal_b
  integrated_gradients_zero_a, integrated_gradients_zero_b
                            the same of integrated gradients
  predicted, predicted_equal, predicted_zero
                            of the signal and of the baselines, [gene]
  attention_all_marks       [view][gene][step], over bins, of the encoder that reads all marks at
                            once (epidelta, only where there is one)
  signal_a, signal_b        [mark][gene][bin] (deep_diff)
  weights                   by name, as in model.safetensors (deep_diff)

The DeepDiff has channels A, B and A - B, auxiliary encoders of their own for A and B, 2 hidden
units in both levels and 1 bin per step; 2 marks, 6 bins, 3 genes.

Weights and signal have few decimals, so that they are the same numbers in single precision; all
else is computed in double precision and rounded to eight digits.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from epidelta_network import (
    CELL_TYPES,
    CONFIGS,
    Encoder,
    Epidelta,
    draw,
    reference,
    shorten,
    single,
)
from torch import Tensor, nn

NODES, FEWER_NODES, TOLERANCE = 300, 200, 1e-9
# Of the DeepDiff.
MARKS, GENES, BINS, HIDDEN = 2, 3, 6, 2

# The predictions of a signal of A and B, [mark, gene, bin], that holds every gene so many times,
# one round of all genes after another.
Predict = Callable[[Tensor, Tensor, int], Tensor]


class DeepDiff(nn.Module):
    """The variant raw-aux, of names as in the published code."""

    def __init__(self) -> None:
        super().__init__()

        def bins(channels: int) -> nn.ModuleList:
            return nn.ModuleList(Encoder(1, HIDDEN) for _ in range(channels * MARKS))

        self.rnn_hms, self.rnn_hms2, self.rnn_hms3 = bins(1), bins(1), bins(3)
        # Over the marks of A, of B, and over all outputs of the first level.
        self.hm_level_rnn_1 = Encoder(2 * HIDDEN, HIDDEN)
        self.hm_level_rnn_2 = Encoder(2 * HIDDEN, HIDDEN)
        self.hm_level_rnn_3 = Encoder(2 * HIDDEN, HIDDEN)
        # Expression of A and of B, on the first two: no part of the prediction.
        self.f1_1, self.f2_1 = nn.Linear(2 * HIDDEN, 1), nn.Linear(2 * HIDDEN, 1)
        self.predictor_ = nn.Linear(2 * HIDDEN, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """[mark, gene, bin] to the predicted log2 fold change, [gene]."""
        parts = [(self.rnn_hms3, torch.cat([a, b, a - b])), (self.rnn_hms, a), (self.rnn_hms2, b)]
        pooled = [
            encoder(of_mark[..., None])[0]
            for encoders, signal in parts
            for encoder, of_mark in zip(encoders, signal, strict=True)
        ]
        joint, _ = self.hm_level_rnn_3(torch.stack(pooled, 1))
        return self.predictor_(joint)[:, 0]


def double(numbers: list) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def gradients(predict: Predict, a: Tensor, b: Tensor, times: int = 1) -> tuple[Tensor, ...]:
    """Of each gene's prediction by its own signal: no gene's depends on another's."""
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    return torch.autograd.grad(predict(a, b, times).sum(), (a, b))


def integrated_gradients(
    predict: Predict, signal: tuple[Tensor, Tensor], baseline: tuple[Tensor, Tensor], nodes: int
) -> tuple[Tensor, ...]:
    # Nodes in (-1, 1), whose weights sum up to 2.
    at, weights = (torch.from_numpy(numbers) for numbers in np.polynomial.legendre.leggauss(nodes))
    at = ((at + 1) / 2)[:, None, None]
    # [mark, node * gene, bin]
    points = [
        (start[:, None] + at * (end - start)[:, None]).flatten(1, 2)
        for start, end in zip(baseline, signal, strict=True)
    ]
    of_points = gradients(predict, *points, nodes)
    return tuple(
        (end - start) * torch.einsum("n,mngb->mgb", weights / 2, of.unflatten(1, (nodes, -1)))
        for of, start, end in zip(of_points, baseline, signal, strict=True)
    )


def attributions(predict: Predict, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    predicted = predict(a, b, 1).detach()
    saliency = gradients(predict, a, b)
    result = {"predicted": predicted, "saliency_a": saliency[0], "saliency_b": saliency[1]}
    mean, zero = (a + b) / 2, torch.zeros_like(a)
    for name, baseline in {"equal": (mean, mean), "zero": (zero, zero)}.items():
        at_baseline = predict(*baseline, 1).detach()
        integrated = integrated_gradients(predict, (a, b), baseline, NODES)
        sums = sum(of.sum((0, 2)) for of in integrated)
        torch.testing.assert_close(sums, predicted - at_baseline, rtol=0, atol=TOLERANCE)
        fewer = integrated_gradients(predict, (a, b), baseline, FEWER_NODES)
        torch.testing.assert_close(integrated, fewer, rtol=0, atol=TOLERANCE)
        result[f"predicted_{name}"] = at_baseline
        for cell, of in zip("ab", integrated, strict=True):
            result[f"integrated_gradients_{name}_{cell}"] = of
    return result


def lists(tensors: dict[str, Tensor]) -> dict[str, list]:
    return {name: tensor.tolist() for name, tensor in tensors.items()}


def of_epidelta(marks: int, config: dict, network: dict) -> dict:
    """Of a network as `reference` gives it."""
    model = Epidelta(config, marks, CELL_TYPES).double()
    model.load_state_dict({name: double(weight) for name, weight in network["weights"].items()})
    a, b = double(network["signal_a"]), double(network["signal_b"])

    def predict(a: Tensor, b: Tensor, times: int) -> Tensor:
        return model(a, b, network["cell_types"] * times)["predicted"]

    result = attributions(predict, a, b)
    expected = double(network["predicted"])
    torch.testing.assert_close(result["predicted"], expected, rtol=0, atol=TOLERANCE)
    if model.all_marks is not None:
        views: list[Tensor] = []  # of A, then of B
        hook = model.all_marks.register_forward_hook(lambda *seen: views.append(seen[2][1]))
        predict(a, b, 1)
        hook.remove()
        result["attention_all_marks"] = torch.stack(views)
    return lists(result)


def of_deep_diff(seed: int) -> dict:
    torch.manual_seed(seed)
    model = DeepDiff().double()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Signal that moves the prediction, with no sigmoid at its end.
            scale = 0.2 if ".bias_" in name else 3.0 if name.startswith("predictor_") else 1.0
            weight.copy_(single(draw(*weight.shape, scale=scale)))
    a, b = (single(draw(MARKS, GENES, BINS).abs()) for _ in "ab")
    result = attributions(lambda a, b, _: model(a, b), a, b)
    given = {"signal_a": a, "signal_b": b}
    return {**lists(given), "weights": lists(model.state_dict()), **lists(result)}


def check(found: dict, expected: dict) -> None:
    """That the networks are those of epidelta.json."""
    assert found.keys() == expected.keys(), "epidelta.json has other networks"
    for name, network in shorten(found).items():
        for part in ("config", "signal_a", "signal_b", "cell_types", "weights"):
            assert network[part] == expected[name][part], f"{name}: another {part} in epidelta.json"
        predicted = [double(of["predicted"]) for of in (network, expected[name])]
        torch.testing.assert_close(*predicted, rtol=1e-7, atol=0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="folder that the file is written into")
    parser.add_argument("--seed", type=int, default=1, help="of weights and data (default 1)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(1)
    networks = {name: reference(*config, arguments.seed) for name, config in CONFIGS.items()}
    golden = arguments.output / "epidelta.json"
    if golden.exists():
        check(networks, json.loads(golden.read_text()))
        print(f"{golden}: the same networks")
    epidelta = {name: of_epidelta(*of, networks[name]) for name, of in CONFIGS.items()}
    results = {"epidelta": epidelta, "deep_diff": of_deep_diff(arguments.seed)}
    path = arguments.output / "attributions.json"
    path.write_text(json.dumps(shorten(results), separators=(",", ":")) + "\n")
    for name, result in {**epidelta, "deep_diff": results["deep_diff"]}.items():
        print(name + ":", *(f"{change:.4f}" for change in result["predicted"]))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
