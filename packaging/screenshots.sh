#!/usr/bin/env bash
# Makes the pictures of the guide: packaging/screenshots.sh PROGRAM FOLDER_OF_PHOTOS
# Needs Xvfb, xdotool and ImageMagick. Opens the window over a library of its own, as a person with keys and a mouse would.
set -euo pipefail
program=$(realpath "$1") photos=$(realpath "$2")
here=$(cd "$(dirname "$0")/screenshots" && pwd)
work=$(mktemp -d)
export DISPLAY=:97 LP_NUM_THREADS=1
Xvfb "$DISPLAY" -screen 0 1440x900x24 >/dev/null 2>&1 &
server=$!
window=
trap 'kill $window $server 2>/dev/null; rm -rf "$work"' EXIT
# Edits of some photos, as people have them beside the originals.
mkdir "$work/edits"
find "$photos" -name '*.JPEG' | sort | sed -n '20p;60p;110p' >"$work/chosen"
[ -s "$work/chosen" ] || { echo "no photo below $photos ends in .JPEG" >&2 && exit 1; }
while IFS= read -r photo; do
    name=$work/edits/$(basename "$photo" .JPEG)
    convert "$photo" -quality 70 -resize 60% "$name-small.jpg"
    convert "$photo" -gravity center -crop 90%x90%+0+0 +repage -modulate 105 "$name-crop.jpg"
done <"$work/chosen"
"$program" --library "$work/library" --quiet index "$photos" "$work/edits"
"$program" --library "$work/library" >/dev/null 2>&1 &
window=$!
# Where no tooltip is.
away() { xdotool mousemove 1439 899; }
id=$(xdotool search --sync --onlyvisible --name Sightline | tail -1)
xdotool windowmove "$id" 0 0 windowsize "$id" 1440 900 windowfocus "$id"
away
sleep 8

press() { for key in "$@"; do xdotool key "$key"; sleep 0.7; done; }
palette() { press ctrl+k; xdotool type "$1"; sleep 0.5; press Return; }
picture() { sleep "${2:-3}"; import -window "$id" -quality 84 "$here/$1.jpg"; }

palette "dark theme"
press slash
xdotool type "a dog on the grass"
press Return
xdotool type -- "-snow"
picture search-dark
press Escape slash ctrl+a
xdotool type "a red car"
press Return Down Return w
picture why-dark 5
press w Escape Escape Escape Escape
"$program" --quiet demo inspect "$work/plate" --references 8 --good 6 --defective 2
# The page has no key for these two: the line under its buttons is clicked where it is.
path() { xdotool mousemove "$1" "$2" click 1; sleep 1; xdotool type "$3"; press Return; }
palette "inspect"
sleep 2
path 836 553 "$work/plate/train/good"
sleep 15
path 700 184 "$work/plate/test"
away
picture inspect-dark 30
palette "light theme"
palette "map"
sleep 12
xdotool mousemove 830 440 click --repeat 3 --delay 200 4
away
picture map-light 6
palette "duplicates"
picture duplicates-light 12
