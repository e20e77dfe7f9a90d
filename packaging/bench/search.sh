#!/bin/sh
# How fast a million vectors are searched, beside faiss and usearch, and beside reading the same bytes: runs one after the
# other, for medians of pairs.
#
#   packaging/bench/search.sh /tmp/peers/bin/python [pairs] > figures.txt
#
# Prints one line a run: who, milliseconds. Needs 5 GB of memory.
set -eu
python=$1 pairs=${2:-5}
here=$(dirname "$0")
cargo bench --quiet --workspace --bench nearest --no-run
for pair in $(seq "$pairs"); do
    BENCH_LARGE=1 cargo bench --quiet --workspace --bench nearest -- "/1000000\$" --warm-up-time 1 --measurement-time 3 |
        awk '/^nearest/ { name = $1 } name && /time: +\[/ { print "sightline " name, $(NF - 3) * ($(NF - 2) == "s" ? 1000 : 1); name = "" }'
    "$python" "$here/search_peer.py"
done
