"""The numbers of docs/accuracy.md.

    python tools/accuracy/measure.py EPIDELTA DATA OUTPUT ablation|final|curve|pairs [JOBS]
    python tools/accuracy/measure.py EPIDELTA DATA OUTPUT ablation JOBS METHOD...

EPIDELTA is the program, DATA a folder with `remc-pair/` (E012.parquet, E013.parquet) and
`deepdiff-sample/` (the published CSV files). Every training becomes a run folder in OUTPUT and
is not made twice, so that the script goes on where it was stopped: another version of the program
needs another OUTPUT.

`ablation` trains the presets, and each with one of their choices undone, and prints Pearson r of
the VALIDATION genes: all choices were made by these, and by cross-validation over the chromosomes
that train and choose. `final` trains the presets and ensembles
and prints r of the test genes, once, beside LightGBM (lightgbm_baseline.py), with paired
bootstrap intervals. `curve` trains on parts of the training genes. `pairs` simulates nine cell
types, holds out one after another, and compares what models of one pair and of all pairs
predict of new genes in the new cell type; it needs no DATA. Needs numpy, and for `final`
lightgbm and pyarrow.
"""

import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

VARIANTS = ["raw-d", "raw-c", "raw", "aux", "raw-aux", "aux-siamese", "raw-aux-siamese"]
SEEDS = {"remc-pair": [1, 2, 3], "deepdiff-sample": [1, 2, 3, 4, 5]}

# What is undone, and the settings that undo it.
UNDONE = {
    "epidelta": {
        "tuned": [],
        "no windows for the head": ["model.head_windows=0"],
        "no linear path": ["model.windows=[]"],
        "no encoder of all marks at once": ["model.joint_encoder=false"],
        "no parts of each cell type": ["model.cell_types=false"],
        "no cell-specific tasks": ["model.auxiliary_weight=0"],
        "20 bins per step": ["model.bins_per_step=20"],
        "no dropout": ["model.dropout=0", "model.dropout_head=0"],
        "no weight decay": ["training.weight_decay=0"],
        "no averaged weights": ["training.averaged_share=0"],
        "constant learning rate": ["training.schedule=constant"],
        "validation score of three epochs": ["training.smoothing=3"],
        "batch 64, learning rate 3e-3": ["training.batch_size=64", "training.learning_rate=3e-3"],
        "signal as it is": ["input.transform=none"],
        "arcsinh": ["input.transform=arcsinh"],
        "labels of the counts as they are": ["label.normalization=none"],
        "bins of reverse genes turned round": ["input.order=strand"],
        "marks hidden in training, 5 %": ["training.hidden_marks=0.05"],
    },
    "raw": {
        "tuned": [],
        "5 bins per step": ["model.bins_per_step=5"],
        "20 bins per step": ["model.bins_per_step=20"],
        "learning rate 1e-3": ["training.learning_rate=1e-3"],
        "constant learning rate": ["training.schedule=constant"],
        "no dropout": ["model.dropout=0"],
        "no weight decay": ["training.weight_decay=0"],
        "no averaged weights": ["training.averaged_share=0"],
        "heads start at random": ["model.heads_start_at_mean=false"],
        "signal as it is": ["input.transform=none"],
        "labels of the counts as they are": ["label.normalization=none"],
    },
    "aux-siamese": {
        "tuned": [],
        "10 bins per step": ["model.bins_per_step=10"],
        "5 times the weight of the cell-specific tasks": ["model.auxiliary_weight=5"],
        "a fifth of it": ["model.auxiliary_weight=0.2"],
        "50 times the weight of the contrastive loss": ["model.contrastive_weight=1"],
        "no contrastive loss": ["model.contrastive_weight=0"],
        "heads start at random": ["model.heads_start_at_mean=false"],
    },
}
# Settings that change nothing on a data set: the one has RPKM, which no library size scales, and
# bins in the order of the strand.
SAME = {"remc-pair": ["label.normalization=none", "input.order=strand"], "deepdiff-sample": []}


class Measurement:
    def __init__(self, program, data, output, jobs):
        self.program, self.data, self.output = Path(program).resolve(), Path(data), Path(output)
        self.jobs = jobs
        self.output.mkdir(parents=True, exist_ok=True)

    def cells(self, dataset):
        """The two files of a data set."""
        if dataset == "remc-pair":
            return [self.data / dataset / f"{name}.parquet" for name in ("E012", "E013")]
        files = []
        for cell, name in ((1, "E123"), (2, "E003")):
            path = self.output / f"{name}.parquet"
            if not path.exists():
                source = self.data / dataset / f"Cell{cell}"
                command = [self.program, "--quiet", "import", "deepdiff", "--name", name]
                command += ["--expression", f"{source}.expr.csv", "-o", path]
                for split in ("train", "valid", "test"):
                    command += [f"--{split}", f"{source}.{split}.csv"]
                genes = self.data / "genes" / "gencode_10_genes.gtf.gz"
                if genes.exists():
                    command += ["--genes", genes]
                subprocess.run(command, check=True)
            files.append(path)
        return files

    def train(self, dataset, method, name, seed, settings):
        """A run of these settings, made if it is not there."""
        folder = self.output / dataset / method / name.replace(" ", "-") / f"seed-{seed}"
        if not (folder / "metrics.json").exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            a, b = self.cells(dataset)
            command = [self.program, "--quiet", "--threads", "1", "--seed", str(seed), "train"]
            command += ["--a", a, "--b", b, "--method", method, "-o", folder]
            for setting in settings:
                command += ["--set", setting]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return folder

    def runs(self, wanted):
        """Folders of many runs, each (data set, method, name, seed, settings)."""
        for dataset in {run[0] for run in wanted}:
            self.cells(dataset)
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(lambda run: self.train(*run), wanted))


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def spread(values):
    """Mean and standard deviation over seeds."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {deviation:.3f}"


def ablation(measure, methods):
    for method in methods or UNDONE:
        undone = UNDONE[method]
        print(f"\n### `{method}`, Pearson r of the validation genes\n")
        print("| | " + " | ".join(SEEDS) + " |")
        print("|---|" + "---|" * len(SEEDS))
        for name, settings in undone.items():
            row = []
            for dataset, seeds in SEEDS.items():
                if settings and all(setting in SAME[dataset] for setting in settings):
                    row.append("the same")
                    continue
                wanted = [(dataset, method, name, seed, settings) for seed in seeds]
                of_seeds = [metrics(folder) for folder in measure.runs(wanted)]
                row.append(spread([of["valid"]["pearson_r"] for of in of_seeds]))
            print(f"| {name} | " + " | ".join(row) + " |", flush=True)


def predictions(path):
    """Test genes: {gene: (observed, predicted)}."""
    lines = [line.rstrip("\n").split("\t") for line in open(path)]
    at = {name: column for column, name in enumerate(lines[0])}
    names = ("gene_id", "observed", "predicted")
    test = (line for line in lines[1:] if line[at["split"]] == "test")
    rows = ([line[at[name]] for name in names] for line in test)
    return {gene: (float(observed), float(predicted)) for gene, observed, predicted in rows}


def difference(first, second, draws=2000):
    """Paired bootstrap over genes of the difference of two methods' Pearson r, each the mean
    over its runs, and its 95 % interval."""
    genes = sorted(first[0])
    observed = np.array([first[0][gene][0] for gene in genes])
    sides = [[np.array([of[gene][1] for gene in genes]) for of in side] for side in (first, second)]
    generator = np.random.default_rng(1)

    def gap(rows):
        r = lambda predicted: np.corrcoef(observed[rows], predicted[rows])[0, 1]
        means = [np.mean([r(predicted) for predicted in side]) for side in sides]
        return means[0] - means[1]

    everything = np.arange(len(genes))
    drawn = [gap(generator.integers(0, len(genes), len(genes))) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return gap(everything), low, high


def final(measure):
    for dataset, seeds in SEEDS.items():
        print(f"\n### {dataset}, Pearson r of the test genes\n")
        a, b = measure.cells(dataset)
        ridge = measure.train(dataset, "ridge", "tuned", seeds[0], [])
        lightgbm = []
        for seed in seeds:
            path = measure.output / dataset / f"lightgbm-{seed}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                script = Path(__file__).with_name("lightgbm_baseline.py")
                command = [sys.executable, script, a, b, ridge, path, str(seed)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            lightgbm.append(predictions(path))
        print("| method | r, mean ± sd over seeds | less LightGBM, 95 % interval | seconds |")
        print("|---|---|---|---|")
        r = lambda of: np.corrcoef(*zip(*of.values()))[0, 1]
        print(f"| LightGBM | {spread([r(of) for of in lightgbm])} | | |")
        rows = [("ridge", []), ("boosting", []), *((variant, []) for variant in VARIANTS)]
        rows += [("epidelta", []), ("epidelta, 5 networks", ["training.ensemble=5"])]
        for name, settings in rows:
            method = name.split(",")[0]
            folder = "ensemble" if settings else "tuned"
            # A linear model and trees of all genes have no seed to speak of.
            of_method = seeds[:1] if method == "ridge" else seeds
            wanted = [(dataset, method, folder, seed, settings) for seed in of_method]
            folders = measure.runs(wanted)
            of_seeds = [metrics(folder) for folder in folders]
            gap, low, high = difference(
                [predictions(folder / "predictions.tsv") for folder in folders], lightgbm
            )
            values = spread([of["test"]["pearson_r"] for of in of_seeds])
            seconds = statistics.mean(of["fit_seconds"] for of in of_seeds)
            interval = f"{gap:+.3f} ({low:+.3f} to {high:+.3f})"
            print(f"| {name} | {values} | {interval} | {seconds:.0f} |", flush=True)
        # Of the ensembles, which come last.
        spreads = [of["test"]["spread"] for of in of_seeds]
        covered = [of["observed"] for spread in spreads for of in spread["coverage"]
                   if of["nominal"] == 0.95]  # fmt: skip
        errors = [[fifth["absolute_error"] for fifth in of["fifths"]] for of in spreads]
        print(
            f"\nSpread of 5 networks and error: Spearman r "
            f"{statistics.mean(of['spearman_r'] for of in spreads):.2f}; mean error by fifths of "
            f"the spread {', '.join(f'{statistics.mean(of):.2f}' for of in zip(*errors))}; of the "
            f"intervals that should hold 95 % of the genes, {statistics.mean(covered):.3f} do"
        )


def curve(measure):
    """Fewer training genes: whole chromosomes are left out, as `split.method` can."""
    print("\n### remc-pair, validation Pearson r by the number of training genes\n")
    print("| training genes | ridge | epidelta |")
    print("|---|---|---|")
    left_out = [
        [],
        ["chr2", "chr4", "chr6", "chr20"],
        ["chr2", "chr4", "chr5", "chr6", "chr7", "chr9", "chr10", "chr20"],
        [f"chr{name}" for name in (2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 20, 22)],
        [f"chr{name}" for name in (2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, "X")],
    ]
    for part, chromosomes in enumerate(left_out):
        # What is left out is called test here; its r is not read.
        test = json.dumps(["chr1", "chr8", "chr21", *chromosomes])
        settings = ["split.method=chromosome", f"split.test_chromosomes={test}"]
        row = []
        for method in ("ridge", "epidelta"):
            seeds = [1] if method == "ridge" else SEEDS["remc-pair"]
            wanted = [("remc-pair", method, f"part-{part}", seed, settings) for seed in seeds]
            of_seeds = [metrics(folder) for folder in measure.runs(wanted)]
            row.append(spread([of["valid"]["pearson_r"] for of in of_seeds]))
        print(f"| {of_seeds[0]['train']['genes']} | " + " | ".join(row) + " |", flush=True)


def pairs(measure):
    folder = measure.output / "nine"
    if not folder.exists():
        command = [measure.program, "--quiet", "simulate", "--cell-types", "9", "-o", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = [line.split() for line in open(folder / "pairs.tsv")][1:]
    name = lambda file: file.removesuffix(".parquet")

    def run(kind, arguments):
        run = measure.output / "pairs" / kind
        if not (run / "metrics.json").exists():
            run.parent.mkdir(parents=True, exist_ok=True)
            command = [measure.program, "--quiet", "--threads", "1", "train", *arguments, "-o", run]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return run

    def one_pair(row):
        a, b = row
        return run(f"{name(a)}-{name(b)}", ["--a", folder / a, "--b", folder / b])

    with ThreadPoolExecutor(measure.jobs) as pool:
        singles = dict(zip(map(tuple, rows), pool.map(one_pair, rows)))

    def all_pairs(cell, hidden):
        list_ = ["--pairs", folder / "pairs.tsv", "--test-cell-types", cell]
        setting = ["--set", f"training.hidden_cell_types={hidden}"]
        return run(f"without-{cell}-{hidden}", [*list_, *setting])

    print("\n### New genes in a new cell type, Pearson r\n")
    print("| new cell type | one pair: mean (best) | all other pairs | and cell types hidden |"
          " known cell types, validation genes: all other pairs | and cell types hidden |")
    print("|---|---|---|---|---|---|")
    for cell in ("E", "G", "I"):
        of_cell = [row for row in rows if cell in map(name, row)]
        others = [row for row in rows if row not in of_cell]
        alone = []
        for trained in others:
            for a, b in of_cell:
                command = [measure.program, "evaluate", "--run", singles[tuple(trained)], "--json"]
                command += ["--a", folder / a, "--b", folder / b]
                printed = subprocess.run(command, check=True, capture_output=True).stdout
                alone.append(json.loads(printed)["test"]["pearson_r"])
        with ThreadPoolExecutor(measure.jobs) as pool:
            together = list(pool.map(lambda hidden: all_pairs(cell, hidden), (0, 0.2)))
        r = [metrics(run)["test"]["pearson_r"] for run in together]
        one = f"{statistics.mean(alone):.3f} ({max(alone):.3f})"
        valid = [metrics(run)["valid"]["pearson_r"] for run in together]
        row = [cell, one, *(f"{value:.3f}" for value in [*r, *valid])]
        print("| " + " | ".join(row) + " |", flush=True)


def main():
    program, data, output, what = sys.argv[1:5]
    jobs = int(sys.argv[5]) if len(sys.argv) > 5 else 2
    measure = Measurement(program, data, output, jobs)
    if what == "ablation":
        ablation(measure, sys.argv[6:])
    else:
        {"final": final, "curve": curve, "pairs": pairs}[what](measure)


if __name__ == "__main__":
    main()
