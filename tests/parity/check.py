"""Generates everything again and compares with what is committed: same files, same values, small enough."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import load_file

from common import CLIP_TOKENIZER, FIXTURES, ROOT

LIMIT = 3_000_000
# Another processor may add in another order; the Rust tests allow 1e-4.
TOLERANCE = 1e-5


def contents(folder):
    """Every file below the folder by its relative path."""
    return {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}


def regenerated(folder):
    """A second generation in a copy of this folder, laid out as in the repository."""
    copy = Path(folder) / "tests" / "parity"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("fixtures", "__pycache__"))
    subprocess.run([sys.executable, "make_fixtures.py"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
    return copy / "fixtures", Path(folder) / CLIP_TOKENIZER.relative_to(ROOT.parents[1])


def differs(old, new):
    """Whether two files say different things; numbers may differ by rounding."""
    if old.read_bytes() == new.read_bytes():
        return False
    if old.suffix != ".safetensors":
        return True
    olds, news = load_file(old), load_file(new)
    return olds.keys() != news.keys() or any(not close(olds[name], news[name]) for name in olds)


def close(old, new):
    """Equal but for rounding, relative to the largest value."""
    scale = max(1.0, old.double().abs().max().item())
    return old.shape == new.shape and (old.double() - new.double()).abs().max().item() <= TOLERANCE * scale


def main():
    """Fails with the list of what is wrong."""
    size = sum(path.stat().st_size for path in contents(FIXTURES).values())
    assert size < LIMIT, f"the fixtures are {size} bytes, more than {LIMIT}"
    with TemporaryDirectory() as folder:
        fixtures, tokenizer = regenerated(folder)
        old, new = contents(FIXTURES), contents(fixtures)
        assert old.keys() == new.keys(), sorted(map(str, old.keys() ^ new.keys()))
        wrong = [str(path) for path in old if differs(old[path], new[path])]
        wrong += ["tokenizer.json"] if differs(CLIP_TOKENIZER, tokenizer) else []
    assert not wrong, f"regenerated files differ: {wrong}"
    print(f"{len(old)} files, {size} bytes, all reproduced")


if __name__ == "__main__":
    main()
