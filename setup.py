"""Packaging of textchem_core; tool settings live in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="textchem_core",
    version="0.1.0",
    description="A pure-PyTorch, from-scratch reimplementation of Text+Chem T5",
    long_description=(Path(__file__).parent / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    classifiers=["Operating System :: POSIX"],
    packages=find_packages(include=["textchem_core", "textchem_core.*"]),
    package_data={"textchem_core": ["py.typed"]},
    install_requires=[
        "torch>=2.6",
        "sentencepiece>=0.2.1",
        "numpy",
        "rdkit",
        "tqdm",
        "safetensors",
        'tomli; python_version < "3.11"',
    ],
    extras_require={
        "tokenizer": ["protobuf"],
        "eval": ["nltk>=3.6.6", "rouge-score", "rapidfuzz", "tokenizers"],
        "plot": ["matplotlib"],
        "tensorboard": ["tensorboard"],
        # The oracle of the parity tests; 5.20.2 is the last one for Python 3.10.
        "test": [
            "pytest",
            "nltk>=3.6.6",
            "rouge-score",
            "rapidfuzz",
            "tokenizers",
            "protobuf",
            "matplotlib",
            "tensorboard",
            'transformers==5.23.0; python_version >= "3.11"',
            'transformers==5.20.2; python_version < "3.11"',
        ],
        "bench": ["ctranslate2"],  # benchmarks/generation.py times it beside transformers, of [test]
        "dev": ["ruff", "mypy"],
    },
)
