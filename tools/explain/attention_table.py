"""The table of docs/explain.md: does attention agree with ablation?

    python tools/explain/attention_table.py EPIDELTA OUTPUT_FOLDER NAME=A.parquet,B.parquet ...

For each pair of cell types trains DeepDiff's variants and epidelta, three networks each
(`--ensemble 3`, preset tuned, seed 1), explains them, and prints a Markdown table of the numbers
that `epidelta explain --json` gives. Runs that are there are kept. Needs nothing but Python.
"""

import argparse
import json
import subprocess
from pathlib import Path

METHODS = ["epidelta", "raw-d", "raw", "raw-aux", "aux-siamese"]


def explain(epidelta: str, output: Path, name: str, files: list[str], method: str) -> dict:
    run = output / f"{name}-{method}"
    if not run.exists():
        data = ["--a", files[0], "--b", files[1]]
        train = [epidelta, "train", *data, "--method", method, "--ensemble", "3", "-q"]
        subprocess.run([*train, "-o", str(run)], check=True, stdout=subprocess.DEVNULL)
    to = output / f"{name}-{method}-explained"
    command = [epidelta, "explain", "--run", str(run), "-o", str(to), "--force", "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def row(name: str, method: str, found: dict) -> str:
    rho = {(*a["of"], a["unit"]): a["rho"]["mean"] for a in found["agreements"] if a["rho"]}
    area = {
        (of["unit"], curve["ranking"]): curve["deletion_area"]["mean"]
        for of in found["curves"]
        for curve in of["curves"]
    }
    sizes = [found[key]["mean"] for key in ("baseline_size", "predicted_size")]
    numbers = [
        rho["attention", "ablation", "mark"],
        rho["attention", "ablation", "region"],
        rho["attention", "attention of another seed", "mark"],
        rho["integrated-gradients", "integrated-gradients of another seed", "mark"],
        *(
            area["region", ranking]
            for ranking in ("attention", "integrated-gradients", "difference", "random")
        ),
        sizes[0] / sizes[1],
    ]
    cells = [f"{number:.2f}".replace("-", "−") for number in numbers]
    return f"| {name} | `{method}` | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("epidelta")
    parser.add_argument("output", type=Path)
    parser.add_argument("pairs", nargs="+", metavar="NAME=A.parquet,B.parquet")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for pair in arguments.pairs:
        name, files = pair.split("=", 1)
        for method in METHODS:
            found = explain(arguments.epidelta, arguments.output, name, files.split(","), method)
            print(row(name, method, found), flush=True)


if __name__ == "__main__":
    main()
