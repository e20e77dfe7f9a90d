#!/bin/sh
# How fast photos are embedded, beside ONNX Runtime and PyTorch: medians of paired runs, one after the other.
#
#   python3 -m venv /tmp/peers && /tmp/peers/bin/pip install -r packaging/bench/requirements.txt
#   packaging/bench/embed.sh /tmp/peers/bin/python [pairs] [model …] > figures.txt
#
# Prints one line a run: model, photos at once, who, photos a second.
set -eu
python=$1 pairs=${2:-5} folder=$(mktemp -d)
shift "$(($# < 2 ? $# : 2))"
[ $# -gt 0 ] || set -- vit_b_32 vit_b_32_int8
here=$(dirname "$0")
trap 'rm -rf "$folder"' EXIT
cargo bench --quiet --workspace --bench pipeline --no-run
for pair in $(seq "$pairs"); do
    for model; do
        for n in 1 16; do
            cargo bench --quiet --workspace --bench pipeline -- "embed/$model/$n\$" --warm-up-time 1 --measurement-time 5 |
                awk -v name="$model $n sightline" '/thrpt: +\[[0-9]/ { print name, $4 }'
            "$python" "$here/peer.py" "$model" "$n" "$folder" | sed "s/^/$model $n /"
        done
    done
done
