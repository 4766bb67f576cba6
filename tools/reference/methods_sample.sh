#!/bin/sh
# Test Pearson r of the methods that are no DeepDiff on the published sample, on the
# protocols of baselines_sample.py: prints method, transform, valid r, test r.
#   methods_sample.sh SAMPLE_FOLDER OUTPUT_FOLDER
set -eu
sample=$1
out=$2
mkdir -p "$out"
for cell in Cell1:E123 Cell2:E003; do
    from=${cell%:*} name=${cell#*:}
    epidelta import deepdiff --quiet --force --name "$name" \
        --expression "$sample/$from.expr.csv" --train "$sample/$from.train.csv" \
        --valid "$sample/$from.valid.csv" --test "$sample/$from.test.csv" \
        -o "$out/$name.parquet"
done
measure() {
    name=$1
    shift
    epidelta train --quiet --force --a "$out/E123.parquet" --b "$out/E003.parquet" \
        --set label.normalization=none "$@" -o "$out/$name" >/dev/null
    python3 - "$name" "$out/$name/metrics.json" <<'PYTHON'
import json, sys
metrics = json.load(open(sys.argv[2]))
print(sys.argv[1], *(f"{metrics[split]['pearson_r']:.3f}" for split in ("valid", "test")))
PYTHON
}
for transform in none log1p; do
    set -- --set "input.transform=$transform"
    difference='svr.channels=["difference"]'
    measure "svr-$transform" --method svr --set "$difference" "$@"
    measure "two-layer-svr-$transform" --method two-layer-svr --set "$difference" "$@"
    measure "relieff-forest-$transform" --method relieff-forest "$@"
    measure "ridge-$transform" --method ridge --set 'features.windows=[1]' "$@"
    measure "lasso-$transform" --method lasso --set 'features.windows=[1]' "$@"
done
for method in svr two-layer-svr ridge lasso boosting deep-chrome deep-chrome-raw; do
    measure "$method-tuned" --method "$method"
done
measure attentive-chrome-1e-3 --method attentive-chrome --preset reference \
    --set training.learning_rate=1e-3 --set input.transform=log1p
