"""Reference tensors of the Epidelta network, from PyTorch.

    pip install torch
    python tools/reference/epidelta_network.py OUTPUT_FOLDER

The network that crates/epidelta/src/model/epidelta.rs describes, made anew from nn.LSTM, with
dropout left out: own and other signal, divided by each mark's scale, in steps of some bins (zeros
fill the last one), a bidirectional LSTM with attention per mark and one over all marks, one over
their outputs, a hidden layer with GELU (erf), averages of windows for that layer and a linear
path, and parts of cell types. Both
views of a gene go through one network, and the prediction is their difference.

Writes OUTPUT_FOLDER/epidelta.json: small networks, each with

  config                    as model in a run's settings
  signal_a, signal_b        [mark][gene][bin]
  cell_types                [gene][a, b], null where the network does not know the cell type
  log2_fold_change, log2_expression_a, log2_expression_b
                            the targets, [gene]
  weights                   by name, as in model.safetensors
  predicted, predicted_a, predicted_b
                            log2 fold change, log2 expression, [gene]
  attention_bins            [view][mark][gene][step]
  attention_marks           [view][gene][encoder]
  regression, classification
                            loss (squared errors over their variance; cross-entropy of the
                            prediction as a logit of a fold change above zero, and the same squared
                            errors of expression), and its gradients by the names of the weights
                            (of the classification in the first network only)

Weights and signal have few decimals, so that they are the same numbers in single precision; all
else is computed in double precision and rounded to eight digits.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALL = {
    "bins_per_step": 3, "joint_encoder": True, "hidden_bins": 2, "hidden_marks": 2,
    "hidden_head": 3, "windows": [1, 3], "head_windows": 3, "cell_types": True,
    "auxiliary_weight": 0.25, "dropout": 0.5, "dropout_head": 0.3,
}  # fmt: skip
BINS, GENES, CELL_TYPES = 7, 4, 3
# Numbers of marks and configurations.
CONFIGS = {
    "full": (3, SMALL),
    "without_joint_encoder": (
        2, {**SMALL, "joint_encoder": False, "bins_per_step": 1, "head_windows": 0},
    ),
    "without_linear_path": (2, {**SMALL, "windows": [], "bins_per_step": 4}),
    "without_cell_types": (
        1,
        {**SMALL, "cell_types": False, "bins_per_step": 10, "windows": [7, 2], "head_windows": 9},
    ),
}  # fmt: skip


class Attention(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.bin_context_vector = nn.Parameter(torch.empty(size, 1))


class Encoder(nn.Module):
    """A bidirectional LSTM whose states are pooled by attention."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(size, hidden, bidirectional=True, batch_first=True)
        self.bin_attention = Attention(2 * hidden)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, step, size] to [batch, 2 hidden], and the attention [batch, step]."""
        states, _ = self.rnn(x)
        attention = torch.softmax((states @ self.bin_attention.bin_context_vector)[..., 0], dim=1)
        return torch.einsum("bth,bt->bh", states, attention), attention


class CellTypes(nn.Module):
    def __init__(self, cell_types: int, hidden: int, features: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.empty(cell_types, 1))
        self.hidden = nn.Parameter(torch.empty(cell_types, hidden))
        self.output = nn.Parameter(torch.empty(cell_types, hidden))
        self.linear = nn.Parameter(torch.empty(cell_types, features)) if features else None


class Standard(nn.Module):
    def __init__(self, marks: int) -> None:
        super().__init__()
        self.register_buffer("signal", torch.linspace(0.5, 1.5, marks))
        self.register_buffer("label", torch.tensor([1.75]))
        self.register_buffer("expression", torch.tensor([4.5, 2.5]))


class Epidelta(nn.Module):
    def __init__(self, config: dict, marks: int, cell_types: int) -> None:
        super().__init__()
        self.config = config
        # Own and other signal of a step's bins, and what tells the cell type.
        size = 2 * config["bins_per_step"] + config["cell_types"]
        embedding = 2 * config["hidden_bins"]
        encoders = marks + config["joint_encoder"]
        features = marks * sum(config["windows"])
        head = config["hidden_head"]
        self.standard = Standard(marks)
        self.marks = nn.ModuleList(Encoder(size, config["hidden_bins"]) for _ in range(marks))
        self.all_marks = None
        if config["joint_encoder"]:
            self.all_marks = Encoder(marks * size, config["hidden_bins"])
        self.level_two = Encoder(embedding, config["hidden_marks"])
        self.head_windows = min(config["head_windows"], BINS)
        joined = encoders * embedding + 2 * config["hidden_marks"] + 2 * marks * self.head_windows
        self.hidden = nn.Linear(joined, head)
        self.output = nn.Parameter(torch.empty(head, 1))
        self.expression = nn.Linear(head, 1)
        self.linear = nn.Parameter(torch.empty(features, 1)) if features else None
        self.cell_types = CellTypes(cell_types, head, features) if config["cell_types"] else None

    def steps(self, x: Tensor) -> Tensor:
        """[gene, bin] to [gene, step, bins of a step]."""
        size = self.config["bins_per_step"]
        return F.pad(x, (0, -x.shape[1] % size)).unflatten(1, (-1, size))

    def windows(self, x: Tensor, counts: list[int]) -> Tensor:
        """[mark, gene, bin] to [gene, mark * window]."""
        bins = x.shape[2]
        means = [
            of_mark[:, w * bins // count : (w + 1) * bins // count].mean(1)
            for of_mark in x
            for count in counts
            for w in range(count)
        ]
        return torch.stack(means, dim=1)

    def view(self, own: Tensor, other: Tensor, cell_types: list[int | None]) -> dict:
        """What the network says of genes, [mark, gene, bin], seen from one cell type's side."""
        scale = self.standard.signal[:, None, None]
        own, other = own / scale, other / scale
        x = [torch.cat([self.steps(o), self.steps(p)], 2) for o, p in zip(own, other, strict=True)]
        own_parts = self.cell_types

        def of_cell_types(table: Tensor) -> Tensor:
            zeros = torch.zeros_like(table[0])
            return torch.stack([zeros if cell is None else table[cell] for cell in cell_types])

        if own_parts is not None:
            codes = of_cell_types(own_parts.input)[:, None, :]
            x = [torch.cat([of, codes.expand(-1, of.shape[1], -1)], 2) for of in x]
        encoded = [encoder(of_mark) for encoder, of_mark in zip(self.marks, x, strict=True)]
        embeddings = [pooled for pooled, _ in encoded]
        if self.all_marks is not None:
            embeddings.append(self.all_marks(torch.cat(x, 2))[0])
        of_marks, attention_marks = self.level_two(torch.stack(embeddings, 1))
        joined = [*embeddings, of_marks]
        if self.head_windows:
            joined += [self.windows(x, [self.head_windows]) for x in (own, other)]
        hidden = self.hidden(torch.cat(joined, 1))

        if own_parts is not None:
            hidden = hidden + of_cell_types(own_parts.hidden)
        hidden = F.gelu(hidden)
        weights = self.output[:, 0].expand_as(hidden)
        if own_parts is not None:
            weights = weights + of_cell_types(own_parts.output)
        change = (weights * hidden).sum(1)
        if self.linear is not None:
            features = self.windows(own, self.config["windows"])
            weights = self.linear[:, 0].expand_as(features)
            if own_parts is not None:
                weights = weights + of_cell_types(own_parts.linear)
            change = change + (weights * features).sum(1)
        mean, spread = self.standard.expression
        return {
            "change": change,
            "expression": self.expression(hidden)[:, 0] * spread + mean,
            "attention_bins": torch.stack([attention for _, attention in encoded]),
            "attention_marks": attention_marks,
        }

    def forward(self, a: Tensor, b: Tensor, cell_types: list[list[int | None]]) -> dict:
        of_a = self.view(a, b, [cells[0] for cells in cell_types])
        of_b = self.view(b, a, [cells[1] for cells in cell_types])
        return {
            "predicted": (of_a["change"] - of_b["change"]) * self.standard.label,
            "predicted_a": of_a["expression"],
            "predicted_b": of_b["expression"],
            **{
                name: torch.stack([of_a[name], of_b[name]])
                for name in ("attention_bins", "attention_marks")
            },
        }


def loss_of(model: Epidelta, task: str, output: dict, targets: dict) -> Tensor:
    change = targets["log2_fold_change"]
    if task == "regression":
        loss = F.mse_loss(output["predicted"], change) / model.standard.label[0] ** 2
    else:
        up = (change > 0).double()
        loss = F.binary_cross_entropy_with_logits(output["predicted"], up)
    of_cells = sum(
        F.mse_loss(output[f"predicted_{cell}"], targets[f"log2_expression_{cell}"]) for cell in "ab"
    )
    return loss + model.config["auxiliary_weight"] * of_cells / model.standard.expression[1] ** 2


def draw(*shape: int, scale: float = 1.0) -> Tensor:
    """Normal numbers of two decimals, which single precision has to the same digits."""
    return (torch.randn(*shape).double() * scale * 100).round() / 100


def single(x: Tensor) -> Tensor:
    return x.float().double()


def reference(marks: int, config: dict, seed: int) -> dict:
    torch.manual_seed(seed)
    model = Epidelta(config, marks, CELL_TYPES).double()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Predictions of some units, so that no sigmoid is at its end.
            scale = 0.1 if name.endswith("linear") else 0.7
            weight.copy_(single(draw(*weight.shape, scale=scale)))
    a, b = (single(draw(marks, GENES, BINS).abs() * 2) for _ in "ab")
    # A pair, the same turned round, one with a cell type that did not train, another pair.
    cell_types = [[0, 1], [1, 0], [2, None], [2, 0]]
    targets = {
        "log2_fold_change": torch.tensor([-3.0, 0.5, 0.75, 4.0]).double(),
        "log2_expression_a": torch.tensor([1.0, 4.0, 5.0, 9.0]).double(),
        "log2_expression_b": torch.tensor([4.0, 3.5, 4.25, 5.0]).double(),
    }
    output = model(a, b, cell_types)
    result = {
        "config": config,
        "signal_a": a.tolist(),
        "signal_b": b.tolist(),
        "cell_types": cell_types,
        **{name: values.tolist() for name, values in targets.items()},
        "weights": {name: weight.tolist() for name, weight in model.state_dict().items()},
        **{name: values.tolist() for name, values in output.items()},
    }
    for task in ("regression", "classification"):
        loss = loss_of(model, task, output, targets)
        result[task] = {"loss": loss.item()}
        if task == "regression" or config == SMALL:
            names, weights = zip(*model.named_parameters(), strict=True)
            gradients = torch.autograd.grad(loss, weights, retain_graph=True)
            gradients = {n: g.tolist() for n, g in zip(names, gradients, strict=True)}
            result[task]["gradients"] = gradients
    return result


def shorten(value):
    """Numbers to eight digits."""
    if isinstance(value, dict):
        return {name: shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shorten(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.8g}")
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
    results = {name: reference(*config, arguments.seed) for name, config in CONFIGS.items()}
    path = arguments.output / "epidelta.json"
    path.write_text(json.dumps(shorten(results), separators=(",", ":")) + "\n")
    for name, result in results.items():
        losses = ", ".join(
            f"{task} {result[task]['loss']:.6f}" for task in ("regression", "classification")
        )
        print(f"{name}: {losses}")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
