"""Writes every fixture of the parity tests. Run once; the results are committed, the tests need no Python."""

import random
import sys

import numpy
import torch
from transformers.utils import logging

import clip_tokenizer
import dense
import hf_cases
import manifest
import mobileclip
import openclip_cases
import preprocessing

# The tokenizer comes first: MobileCLIP's texts need it.
STEPS = [clip_tokenizer.write_tokenizer, clip_tokenizer.write_tokenisation, preprocessing.write_preprocessing,
         *hf_cases.CASES, *openclip_cases.CASES, *mobileclip.CASES, dense.write_dense,
         manifest.write_manifest]


def main(names):
    """All steps, or those named on the command line."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # One thread, one order of additions: the outputs are the same bytes each time on one kind of processor.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    random.seed(0), numpy.random.seed(0), torch.manual_seed(0)
    for step in STEPS:
        if not names or step.__name__ in names:
            print(step.__name__, flush=True)
            step()


if __name__ == "__main__":
    main(sys.argv[1:])
