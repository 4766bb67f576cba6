"""DeepDiff training in PyTorch on the CPU: the baseline that training times are compared with.

An independent implementation of the seven DeepDiff models of Sekhon et al. (Bioinformatics 2018).
One epoch is a pass over the training genes and an evaluation of the validation genes.

    python pytorch_training.py DATA --method raw-d [--style published|idiomatic] [--epochs 3]
    python pytorch_training.py --parity REFERENCE_TENSORS [--method raw-d] [--style published]

DATA holds Cell{1,2}.{train,valid}.csv and Cell{1,2}.expr.csv in the published layout. Two styles
of the same arithmetic can be timed:

  published   the sequence of torch operations of the published code (QData/DeepDiffChrome), with
              its loops over samples and its bookkeeping, so that its cost is what is measured;
  idiomatic   the same model as one would write it for speed with torch's own building blocks.

--parity trains nothing: it compares predictions, loss, gradients and the weights after 20 steps
with reference tensors. It needs the safetensors package.
"""

import argparse
import csv
import json
import math
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

MARKS, BINS, HIDDEN = 5, 200, 32
LEARNING_RATE, CLIP, GAMMA, MARGIN, DISSIMILAR = 1e-4, 1.0, 4.0, 2.0, 2.0
RAW_CHANNELS = {"raw-d": 1, "raw-c": 2, "raw": 3}
METHODS = [*RAW_CHANNELS, "aux", "raw-aux", "aux-siamese", "raw-aux-siamese"]
STYLES = ["published", "idiomatic"]


class Attention(nn.Module):
    """Softmax over positions of each state's product with one learned context vector."""

    def __init__(self, size: int, idiomatic: bool) -> None:
        super().__init__()
        # Drawn here although every weight is redrawn later: it keeps the published code's random
        # stream, so a seed gives the same initial weights and the same order of genes.
        self.bin_context_vector = nn.Parameter(torch.empty(size, 1).uniform_(-0.1, 0.1))
        self.idiomatic = idiomatic

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, length, size] to a summary [batch, 1, size] and weights [batch, length]."""
        if self.idiomatic:
            scores = torch.matmul(states, self.bin_context_vector)
        else:
            scores = None
            for i in range(states.size(0)):
                score = torch.mm(states[i], self.bin_context_vector).unsqueeze(0)
                scores = score if scores is None else torch.cat((scores, score), 0)
        weights = F.softmax(scores.squeeze(2), dim=1)
        return torch.bmm(weights.unsqueeze(1), states), weights


class Encoder(nn.Module):
    """A bidirectional LSTM over a time-major sequence, summarised by attention."""

    def __init__(self, input_size: int, hidden: int, idiomatic: bool) -> None:
        super().__init__()
        # The published code asks for dropout 0.5, which torch applies between layers only: with
        # one layer it does nothing but warn.
        self.rnn = nn.LSTM(input_size, hidden, bidirectional=True)
        self.bin_attention = Attention(2 * hidden, idiomatic)

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        states, _ = self.rnn(sequence)
        return self.bin_attention(states.permute(1, 0, 2))


class Output(NamedTuple):
    prediction: Tensor  # [batch, 1]
    beta: Tensor  # attention over marks
    alpha: Tensor  # attention over bins, encoder after encoder
    cells: tuple[Tensor, Tensor] | None = None  # predicted expression of A and of B
    embeddings: tuple[Tensor, Tensor] | None = None  # what the contrastive loss compares


class DeepDiff(nn.Module):
    """Any of the seven models. Submodules carry the published names and are created in the
    published order, so that published weights load and a seed draws the published ones."""

    def __init__(self, method: str, idiomatic: bool) -> None:
        super().__init__()
        self.method, self.idiomatic = method, idiomatic
        self.raw_channels = RAW_CHANNELS.get(method, 3 if method.startswith("raw-aux") else 0)
        self.siamese = method.endswith("siamese")
        self.auxiliary = method not in RAW_CHANNELS

        def bank(channels: int) -> nn.ModuleList:
            return nn.ModuleList(Encoder(1, HIDDEN, idiomatic) for _ in range(channels * MARKS))

        def over_marks() -> Encoder:
            return Encoder(2 * HIDDEN, HIDDEN // 2, idiomatic)

        if not self.auxiliary:
            self.rnn_hms = bank(self.raw_channels)
            self.hm_level_rnn_1 = over_marks()
            self.fdiff1_1 = nn.Linear(HIDDEN, 1)
            return
        self.raw_bank = "rnn_hmsx" if self.siamese else "rnn_hms3"
        self.raw_over_marks = "hm_level_rnn_1x" if self.siamese else "hm_level_rnn_3"
        self.rnn_hms = bank(1)
        if self.raw_channels:
            self.add_module(self.raw_bank, bank(self.raw_channels))
        if not self.siamese:
            self.rnn_hms2 = bank(1)
        self.hm_level_rnn_1 = over_marks()
        if self.raw_channels:
            self.add_module(self.raw_over_marks, over_marks())
        self.hm_level_rnn_2 = over_marks()
        self.f1_1, self.f2_1 = nn.Linear(HIDDEN, 1), nn.Linear(HIDDEN, 1)
        if not self.raw_channels:
            self.predictor_1 = nn.Linear(2 * HIDDEN, HIDDEN)
        self.predictor_ = nn.Linear(HIDDEN, 1)

    def encode(self, bank: nn.ModuleList, signal: Tensor) -> tuple[Tensor, Tensor]:
        """Signal [batch, bins, encoders] to time-major summaries and the attention over bins."""
        if self.idiomatic:
            sequences = signal.permute(2, 1, 0).contiguous().unsqueeze(3)
            pairs = [encoder(sequence) for encoder, sequence in zip(bank, sequences)]
            summaries = torch.cat([summary for summary, _ in pairs], 1)
            alpha = torch.cat([weights for _, weights in pairs], 1)
        else:
            summaries = alpha = None
            for i, encoder in enumerate(bank):
                summary, weights = encoder(torch.t(signal[:, :, i].contiguous()).unsqueeze(2))
                if summaries is None:
                    summaries, alpha = summary, weights
                else:
                    summaries = torch.cat((summaries, summary), 1)
                    alpha = torch.cat((alpha, weights), 1)
        return summaries.permute(1, 0, 2), alpha

    def raw_signal(self, a: Tensor, b: Tensor) -> Tensor:
        if self.raw_channels == 1:
            return a - b
        absolute = torch.cat((a, b), 2)
        return absolute if self.raw_channels == 2 else torch.cat((absolute, a - b), 2)

    def encode_cells(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.siamese and self.idiomatic:
            # Both cells go through the same weights: one pass over twice the batch.
            level1, alpha = self.encode(self.rnn_hms, torch.cat((a, b), 0))
            return *level1.chunk(2, 1), torch.cat(alpha.chunk(2, 0), 1)
        level1_a, alpha_a = self.encode(self.rnn_hms, a)
        level1_b, alpha_b = self.encode(self.rnn_hms if self.siamese else self.rnn_hms2, b)
        return level1_a, level1_b, torch.cat((alpha_a, alpha_b), 1)

    def forward(self, a: Tensor, b: Tensor) -> Output:
        if self.raw_channels:
            bank = self.get_submodule(self.raw_bank) if self.auxiliary else self.rnn_hms
            level1, alpha = self.encode(bank, self.raw_signal(a, b))
        if not self.auxiliary:
            final, beta = self.hm_level_rnn_1(level1)
            return Output(self.fdiff1_1(final.squeeze(1)), beta, alpha)

        level1_a, level1_b, alpha_cells = self.encode_cells(a, b)
        final_a, beta_a = self.hm_level_rnn_1(level1_a)
        final_b, beta_b = self.hm_level_rnn_2(level1_b)
        final_a, final_b = final_a.squeeze(1), final_b.squeeze(1)
        if self.raw_channels:
            over_marks = self.get_submodule(self.raw_over_marks)
            final, beta = over_marks(torch.cat((level1, level1_a, level1_b), 0))
            prediction = self.predictor_(final.squeeze(1))
        else:
            alpha, beta = alpha_cells, torch.cat((beta_a, beta_b), 1)
            joint = torch.cat((final_a, final_b), 1)
            prediction = self.predictor_(torch.relu(self.predictor_1(joint)))
        embeddings = None
        if self.siamese:
            embeddings = tuple(x.permute(1, 0, 2).flatten(1) for x in (level1_a, level1_b))
        return Output(prediction, beta, alpha, (self.f1_1(final_a), self.f2_1(final_b)), embeddings)


def total_loss(out: Output, diff: Tensor, abs_a: Tensor, abs_b: Tensor, idiomatic: bool) -> Tensor:
    loss = F.mse_loss(out.prediction, diff)
    if out.cells is not None:
        loss += F.mse_loss(out.cells[0], abs_a)
        loss += F.mse_loss(out.cells[1], abs_b)
    if out.embeddings is not None:
        if idiomatic:
            different = (diff.squeeze(1).abs() >= DISSIMILAR).float()
        else:
            different = torch.Tensor([int(y <= -DISSIMILAR or y >= DISSIMILAR) for y in diff])
        distance = F.pairwise_distance(*out.embeddings)
        apart = torch.pow(torch.clamp(MARGIN - distance, min=0.0), 2)
        loss += GAMMA * torch.mean((1 - different) * torch.pow(distance, 2) + different * apart)
    return loss


class Gene(NamedTuple):
    name: str
    expression: float
    marks: list[Tensor]  # one [bins, 1] column each


def read_cell(folder: Path, cell: str, split: str) -> list[Gene]:
    with open(folder / f"{cell}.expr.csv", newline="") as file:
        expression = {name: float(count) for name, count in csv.reader(file)}
    with open(folder / f"{cell}.{split}.csv", newline="") as file:
        rows = list(csv.reader(file))
    genes = []
    for start in range(0, len(rows), BINS):
        name = rows[start][0].split("_")[0]
        counts = torch.tensor([[float(x) for x in row[1:]] for row in rows[start : start + BINS]])
        if counts.shape != (BINS, MARKS):
            raise ValueError(f"{cell}.{split}.csv, {name}: {tuple(counts.shape)} counts")
        genes.append(Gene(name, expression[name], [c.contiguous() for c in counts.split(1, 1)]))
    return genes


class GenePairs(Dataset):
    """Assembles every sample when it is asked for, as the published data set does."""

    def __init__(self, folder: Path, split: str) -> None:
        self.a, self.b = (read_cell(folder, cell, split) for cell in ("Cell1", "Cell2"))
        if [gene.name for gene in self.a] != [gene.name for gene in self.b]:
            raise ValueError(f"the {split} genes of the two cells differ")

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, i: int) -> dict[str, object]:
        a, b = self.a[i], self.b[i]
        return {
            "gene": a.name,
            "a": torch.cat(a.marks, 1),
            "b": torch.cat(b.marks, 1),
            "diff": math.log((b.expression + 1.0) / (a.expression + 1.0), 2),
            "abs_a": math.log(a.expression + 1.0, 2),
            "abs_b": math.log(b.expression + 1.0, 2),
        }


def targets(sample: dict[str, Tensor]) -> list[Tensor]:
    return [sample[name].float().unsqueeze(1) for name in ("diff", "abs_a", "abs_b")]


def make_optimizer(model: DeepDiff) -> torch.optim.Adam:
    # By default torch steps through a CPU model's tensors one by one; the fused step, the same
    # arithmetic in one call, takes a few per cent off an epoch.
    return torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=model.idiomatic or None)


def update(model: DeepDiff, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()


def pearson(x: Tensor, y: Tensor) -> float:
    return torch.corrcoef(torch.stack((x.flatten(), y.flatten())))[0, 1].item()


def published_pass(
    model: DeepDiff, optimizer: torch.optim.Optimizer, genes: GenePairs, batch: int, training: bool
) -> tuple[float, float]:
    """Mean loss and Pearson r. Records gradients in validation too and keeps the attention of
    every gene: the published code does, and it is part of the cost."""
    model.train(training)
    count, losses = len(genes), 0.0
    diffs, predictions, names = torch.zeros(count, 1), torch.zeros(count, 1), [""] * count
    encoders = MARKS * (model.raw_channels or 2)
    marks = encoders + 2 * MARKS if model.raw_channels and model.auxiliary else encoders
    alphas, betas = torch.zeros(count, encoders * BINS), torch.zeros(count, marks)
    loader = DataLoader(genes, batch, shuffle=training)
    for i, sample in enumerate(loader):
        rows = slice(i * batch, min((i + 1) * batch, count))
        optimizer.zero_grad()
        y = targets(sample)
        diffs[rows], names[rows] = y[0], sample["gene"]
        out = model(sample["a"], sample["b"])
        alphas[rows], betas[rows] = out.alpha.data, out.beta.data
        loss = total_loss(out, *y, idiomatic=False)
        predictions[rows] = out.prediction.data
        losses += loss.item()
        if training:
            update(model, optimizer, loss)
    return losses / len(loader), pearson(predictions, diffs)


def idiomatic_pass(
    model: DeepDiff,
    optimizer: torch.optim.Optimizer,
    data: list[Tensor],
    batch: int,
    training: bool,
) -> tuple[float, float]:
    """Mean loss and Pearson r, from tensors held in memory, without gradients in validation."""
    model.train(training)
    order = torch.randperm(len(data[0])) if training else torch.arange(len(data[0]))
    losses, predictions = [], []
    with torch.set_grad_enabled(training):
        for rows in order.split(batch):
            a, b, *y = (tensor.index_select(0, rows) for tensor in data)
            out = model(a, b)
            loss = total_loss(out, *y, idiomatic=True)
            if training:
                optimizer.zero_grad()
                update(model, optimizer, loss)
            losses.append(loss.detach())
            predictions.append(out.prediction.detach())
    return torch.stack(losses).mean().item(), pearson(torch.cat(predictions), data[2][order])


def train(args: argparse.Namespace) -> None:
    idiomatic = args.style == "idiomatic"
    genes = [GenePairs(args.data, split) for split in ("train", "valid")]
    if idiomatic:
        run = idiomatic_pass
        whole = [next(iter(DataLoader(pairs, len(pairs)))) for pairs in genes]
        splits = [[sample["a"], sample["b"], *targets(sample)] for sample in whole]
    else:
        run, splits = published_pass, genes
    torch.manual_seed(args.seed)
    model = DeepDiff(args.method, idiomatic)
    for parameter in model.parameters():
        parameter.data.uniform_(-0.1, 0.1)
    optimizer = make_optimizer(model)
    seconds = []
    for epoch in range(args.epochs):
        start = time.perf_counter()
        loss, _ = run(model, optimizer, splits[0], args.batch, training=True)
        _, r = run(model, optimizer, splits[1], args.batch, training=False)
        seconds.append(round(time.perf_counter() - start, 4))
        print(f"epoch {epoch + 1}: {seconds[-1]:.3f} s, loss {loss:.4f}, validation r {r:.4f}")
    summary = {"method": args.method, "style": args.style, "threads": args.threads}
    print(json.dumps({**summary, "seconds_per_epoch": seconds}))


def check_parity(folder: Path, variant: str, method: str, style: str) -> bool:
    """Compares one model with the reference tensors; prints the worst difference of each kind."""
    from safetensors.torch import load_file  # only this check needs the package

    idiomatic = style == "idiomatic"
    batch, reference = load_file(folder / "batch.safetensors"), folder / variant
    y = [batch[name] for name in ("y_diff", "y_A", "y_B")]
    forward = load_file(reference / "forward.safetensors")
    gradients = load_file(reference / "grad.safetensors")
    model = DeepDiff(method, idiomatic)
    model.load_state_dict(load_file(reference / "init.safetensors"))
    optimizer = make_optimizer(model)

    def furthest(x: Tensor, name: str) -> float:
        return (x - forward[name]).abs().max().item()

    out = model(batch["X_A"], batch["X_B"])
    loss = total_loss(out, *y, idiomatic)
    expected = forward["loss.total"].item()
    worst = {
        "prediction": (furthest(out.prediction, "prediction"), 1e-6),
        "beta": (furthest(out.beta, "beta_hm_attention"), 1e-6),
        "alpha": (furthest(out.alpha, "alpha_bin_attention"), 1e-6),
        "loss": (abs(loss.item() - expected) / expected, 1e-4),
    }
    loss.backward()
    ratios = [
        (parameter.grad - gradients[name]).norm() / gradients[name].norm()
        for name, parameter in model.named_parameters()
    ]
    worst["gradient"] = (torch.stack(ratios).max().item(), 1e-4)
    if (reference / "after20.safetensors").exists():  # the set has weights of some models only
        for _ in range(20):
            optimizer.zero_grad()
            update(model, optimizer, total_loss(model(batch["X_A"], batch["X_B"]), *y, idiomatic))
        after = load_file(reference / "after20.safetensors")
        moved = [(x - after[name]).abs().max() for name, x in model.state_dict().items()]
        worst["after20"] = (torch.stack(moved).max().item(), 1e-6)
    # Written this way round so that a NaN fails.
    passed = all(value <= tolerance for value, tolerance in worst.values())
    figures = ", ".join(f"{name} {value:.1e}" for name, (value, _) in worst.items())
    print(f"{'ok  ' if passed else 'FAIL'} {variant} {style}: {figures}")
    return passed


def main() -> None:
    parser = argparse.ArgumentParser(description="Times DeepDiff training in PyTorch.")
    parser.add_argument("data", type=Path, nargs="?", help="folder of the published data layout")
    parser.add_argument("--method", choices=METHODS, help="with --parity: all unless given")
    parser.add_argument("--style", choices=STYLES, help="default published; with --parity: both")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parity", type=Path, metavar="FOLDER", help="check against tensors")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.parity is None:
        if args.data is None or args.method is None:
            parser.error("training needs a data folder and --method")
        args.style = args.style or STYLES[0]
        train(args)
        return
    passed = True
    for method in [args.method] if args.method else METHODS:
        name = method.replace("-", "_")
        # Larger weights, where the set has them: near-uniform attention would hide an error.
        for variant in (name, f"stress_{name}"):
            for style in [args.style] if args.style else STYLES:
                if variant == name or (args.parity / variant).is_dir():
                    passed &= check_parity(args.parity, variant, method, style)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
