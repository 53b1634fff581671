"""Quantise a model with llama.cpp's own rule; a program of its own, because a crash in native code would take
the tests with it.

    python quantise.py F16-MODEL OUTPUT FILE-TYPE
"""

import ctypes
import sys

import llama_cpp


def main(source: str, target: str, file_type: int) -> None:
    """Write `target`; exit with what llama.cpp says."""
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = file_type
    options.nthread = 1
    sys.exit(llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(options)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
