#!/bin/sh
# How fast a folder of 12-megapixel JPEGs is indexed, beside Pillow with ONNX Runtime: runs one after the other.
#
#   packaging/bench/index.sh /tmp/peers/bin/python FOLDER [pairs] [model …] > figures.txt
#
# FOLDER: photos of any size; 48 of them are enlarged to 12 megapixels and saved at quality 90.
# Prints one line a run: model, who, photos a second.
set -eu
python=$1 photos=$2 pairs=${3:-5} folder=$(mktemp -d)
shift "$(($# < 3 ? $# : 3))"
[ $# -gt 0 ] || set -- vit_b_32 vit_b_32_int8
here=$(dirname "$0")
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/photos"
"$python" "$here/large_photos.py" "$photos" "$folder/photos" 48
cargo bench --quiet --workspace --bench pipeline --no-run
for pair in $(seq "$pairs"); do
    for model; do
        BENCH_PHOTOS="$folder/photos" cargo bench --quiet --workspace --bench pipeline -- "index/$model\$" \
            --warm-up-time 1 --measurement-time 5 |
            awk -v name="$model" '/thrpt: +\[[0-9]/ { print name, "sightline", $4 }'
        "$python" "$here/index_peer.py" "$model" "$folder/photos" "$folder" | sed "s/^/$model /"
    done
done
