"""What crosses the wall of the sandbox, as bytes: named arrays and messages.

Both sides read this file. The side outside trusts nothing it receives: sizes are
bounded before anything is allocated, nothing is unpickled, nothing is decompressed,
and an answer that is not exactly what was asked for is a ``ContractError``.
"""

from __future__ import annotations

import io
import json
import math
import socket
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import ContractError

HEADER_LIMIT = 64 * 1024
MAX_ARRAYS = 64
_LENGTHS = struct.Struct(">IQ")  # bytes of header, bytes of body
CONTEXT = "context."
DIAGNOSTIC = "diagnostic."
# Kinds of messages once a method is fitted; an answer to a question holds one array, named as its kind.
FITTED, REWARDS, SAMPLES, INTERVALS = "fitted", "rewards", "samples", "intervals"
ABSTAINS, END = "abstains", "end"


# -- arrays -------------------------------------------------------------------
def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as an uncompressed ``.npz``; texts become one UTF-8 block and where each ends.

    Args:
        arrays: Name to array; object arrays must hold ``str``.
    """
    flat: dict[str, np.ndarray] = {}
    for name, values in arrays.items():
        values = np.asarray(values)
        if values.dtype.kind in "OU":
            encoded = [text.encode("utf-8", "surrogatepass") for text in values.ravel()]
            flat[f"{name}:bytes"] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
            flat[f"{name}:ends"] = np.cumsum([len(text) for text in encoded], dtype=np.int64)
            flat[f"{name}:shape"] = np.asarray(values.shape, dtype=np.int64)
        else:
            flat[name] = values
    buffer = io.BytesIO()
    np.savez(buffer, **flat)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of ``pack``, read without trust in their sender.

    Returns:
        Name to read-only array; texts as object arrays of ``str``.

    Raises:
        ContractError: If the bytes are anything but a plain ``.npz`` of numbers and
            texts whose declared sizes are the sizes sent.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
            if not stored or len(entries) > MAX_ARRAYS or sum(e.file_size for e in entries) > len(data):
                raise ValueError("compressed, too many or overlapping arrays")
            flat = {e.filename.removesuffix(".npy"): _read_array(archive.read(e)) for e in entries}
        return _join_texts(flat)
    # A hostile archive can fail in more ways than can be listed; all of them are the sender's.
    except Exception as error:
        raise ContractError(
            "the answer is not a plain set of arrays",
            expected="an uncompressed .npz of numbers and texts, without pickles",
            found=f"{type(error).__name__}: {error}",
        ) from error


def _read_array(raw: bytes) -> np.ndarray:
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"array format {version}")
    shape, fortran, kind = np.lib.format.read_array_header_1_0(stream)
    size = math.prod(shape)
    if kind.hasobject or kind.kind not in "biuf" or kind.itemsize * size != len(raw) - stream.tell():
        raise ValueError(f"an array of {kind} and shape {shape} in {len(raw)} bytes")
    values = np.frombuffer(raw, dtype=kind, count=size, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def _join_texts(flat: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    joined = {name: values for name, values in flat.items() if ":" not in name}
    for name in sorted({name.partition(":")[0] for name in flat if ":" in name}):
        block = flat[f"{name}:bytes"].tobytes()
        ends = flat[f"{name}:ends"].tolist()
        shape = tuple(int(side) for side in flat[f"{name}:shape"])
        if math.prod(shape) != len(ends):
            raise ValueError(f"{len(ends)} texts for the shape {shape}")
        texts = np.empty(len(ends), dtype=object)
        start = 0
        for index, end in enumerate(ends):
            if not start <= end <= len(block):
                raise ValueError("texts overlap")
            texts[index] = block[start:end].decode("utf-8", "replace")
            start = end
        joined[name] = texts.reshape(shape)
    return joined


# -- questions to the oracle ---------------------------------------------------
def pack_question(prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray]) -> bytes:
    """A question to the oracle as bytes."""
    columns = {CONTEXT + name: np.asarray(values, dtype=np.float64) for name, values in context.items()}
    return pack({"prompts": prompts, "texts": texts} | columns)


def unpack_question(data: bytes) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Prompts, texts and context of ``pack_question``, all of one length.

    Raises:
        ContractError: If they are missing, differ in length or are not texts and numbers.
    """
    arrays = unpack(data)
    context = {n.removeprefix(CONTEXT): v for n, v in arrays.items() if n.startswith(CONTEXT)}
    prompts, texts = arrays.get("prompts"), arrays.get("texts")
    columns = [prompts, texts, *context.values()]
    shapes = {None if column is None else column.shape for column in columns}
    if (
        prompts is None
        or texts is None
        or len(shapes) != 1
        or prompts.ndim != 1
        or prompts.dtype != object
        or texts.dtype != object
        or any(column.dtype != np.float64 for column in context.values())
    ):
        raise ContractError(
            "a malformed question to the oracle",
            expected="prompts and texts, and numbers as context, all of one length",
            found=shapes,
        )
    return prompts, texts, context


# -- messages -----------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Message:
    """One message over the socket.

    Attributes:
        kind: ``"ready"``, ``"ask"`` and its ``"answer"``, ``"done"``, or a kind of question.
        fields: Small plain data.
        body: Packed arrays.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """The message on the wire: two lengths, a JSON header, the body."""
        header = json.dumps({"kind": self.kind, "fields": dict(self.fields)}).encode()
        return _LENGTHS.pack(len(header), len(self.body)) + header + self.body


class Inbox:
    """Cuts a stream of bytes into messages, refusing any that would be too large.

    Args:
        limit: Largest body accepted, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Messages completed by some more bytes.

        Raises:
            ContractError: If a message is malformed or announces more than the limit.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTHS.size:
            header, body = _LENGTHS.unpack_from(self._buffer)
            if header > HEADER_LIMIT or body > self._limit:
                raise ContractError("the answer is too large", expected=f"<= {self._limit} bytes", found=body)
            end = _LENGTHS.size + header + body
            if len(self._buffer) < end:
                return
            whole = bytes(self._buffer[_LENGTHS.size : end])
            del self._buffer[:end]
            yield _decode(whole[:header], whole[header:])


def _decode(header: bytes, body: bytes) -> Message:
    try:
        plain = json.loads(header)
        kind, fields = plain["kind"], plain["fields"]
        if not isinstance(kind, str) or not isinstance(fields, dict):
            raise TypeError("kind must be text and fields a table")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ContractError("a malformed message came out of the sandbox", found=error) from error
    return Message(kind, fields, body)


def receive(connection: socket.socket, limit: int) -> Message:
    """Wait for one message (the side inside, which receives nothing unasked)."""
    inbox = Inbox(limit)
    while data := connection.recv(1 << 16):
        for message in inbox.feed(data):
            return message
    raise ContractError("the other side of the sandbox has gone")
