"""Word automata as transition tables: reading a text back is one table look-up a word.

``compile_reader`` accepts exactly the texts of a grammar and collects what they
say; ``compile_finder`` collects marked phrases wherever they occur (Aho and
Corasick 1975), for texts that are not of the grammar.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.contract.errors import UsageError

Words = tuple[int, ...]
REJECT = 0


@dataclass(frozen=True, eq=False)
class Automaton:
    """A deterministic automaton over word numbers ``0..W-1``, W = unknown, W + 1 = padding.

    Attributes:
        target: Next state, shape (states, W + 2), int32.
        message: Which message the step sends, same shape, int16; message 0 says nothing. In a reader
            message i tells that phrase i - 1 was completed.
        bits: What each message says, shape (messages,), int64 bit field.
        accepting: Whether a text may end in the state, shape (states,).
        initial: State before the first word.
    """

    target: np.ndarray
    message: np.ndarray
    bits: np.ndarray
    accepting: np.ndarray
    initial: int

    def run(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read texts side by side.

        Args:
            words: Word numbers, shape (n, T), unknown and padding as described above.

        Returns:
            The bits collected, shape (n,) int64, and whether each text is accepted, shape (n,).
        """
        messages, accepted = self.follow(words)
        collected = np.zeros(len(words), dtype=np.int64)
        for column in messages:
            collected |= self.bits[column]
        return collected, accepted

    def follow(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read texts side by side and keep every message.

        Args:
            words: As in ``run``.

        Returns:
            The message sent at each word, shape (T, n) int16, and whether each text is accepted, shape (n,).
        """
        n_symbols = self.target.shape[1]
        target, message = self.target.ravel(), self.message.ravel()
        state = np.full(len(words), self.initial, dtype=np.int64)
        messages = np.empty((words.shape[1], len(words)), dtype=np.int16)
        for i, column in enumerate(np.ascontiguousarray(words.T)):
            step = state * n_symbols + column
            messages[i] = message[step]
            state = target[step].astype(np.int64)
        return messages, self.accepting[state]


def compile_reader(slots: list[list[tuple[Words, int]]], n_words: int, domain: str) -> Automaton:
    """The automaton of a sequence of slots.

    Args:
        slots: Per slot, its phrases as (words, bits said by the phrase); an empty phrase makes
            the slot optional and must say nothing.
        n_words: Size of the vocabulary.
        domain: Name used in errors.

    Raises:
        UsageError: If one phrase begins with another that may stand in its place, so that a
            text could be read in two ways.
    """
    optional = [any(not words for words, _ in slot) for slot in slots]
    first = np.cumsum([0, *map(len, slots)]).tolist()
    bits = np.array([0, *(said for slot in slots for _, said in slot)], dtype=np.int64)

    def begin(slot: int) -> frozenset[tuple[int, int, int]]:
        """Everything that may be read next once the slots before ``slot`` are done."""
        live: set[tuple[int, int, int]] = set()
        while slot < len(slots):
            live |= {(slot, i, 0) for i, (words, _) in enumerate(slots[slot]) if words}
            if not optional[slot]:
                return frozenset(live)
            slot += 1
        return frozenset(live | {(slot, 0, 0)})

    start = begin(0)
    numbers: dict[frozenset[tuple[int, int, int]], int] = {frozenset(): REJECT, start: 1}
    queue = deque([start])
    edges: list[tuple[int, int, int, int]] = []
    while queue:
        state = queue.popleft()
        moves: dict[int, set[tuple[int, int, int]]] = {}
        for slot, phrase, depth in state:
            if slot < len(slots):
                moves.setdefault(slots[slot][phrase][0][depth], set()).add((slot, phrase, depth + 1))
        for word, reached in moves.items():
            done = [item for item in reached if item[2] == len(slots[item[0]][item[1]][0])]
            if done and len(reached) > 1:
                raise UsageError(
                    f"domain {domain!r} can be read in two ways",
                    expected="no phrase that begins with another phrase of the same place",
                    found=f"slots and phrases {sorted(item[:2] for item in reached)}",
                )
            message = first[done[0][0]] + done[0][1] + 1 if done else 0
            after = begin(done[0][0] + 1) if done else frozenset(reached)
            if after not in numbers:
                numbers[after] = len(numbers)
                queue.append(after)
            edges.append((numbers[state], word, numbers[after], message))
    accepting = np.zeros(len(numbers), dtype=bool)
    for state, number in numbers.items():
        accepting[number] = (len(slots), 0, 0) in state
    return _tabulate(edges, accepting, bits, n_words)


def compile_finder(phrases: Mapping[Words, int], n_words: int) -> Automaton:
    """The automaton that collects the bits of every phrase occurring anywhere in a text."""
    children: list[dict[int, int]] = [{}]
    said = [0]
    for words, bits in phrases.items():
        node = 0
        for word in words:
            if word not in children[node]:
                children[node][word] = len(children)
                children.append({})
                said.append(0)
            node = children[node][word]
        said[node] |= bits
    target = np.zeros((len(children), n_words + 2), dtype=np.int32)
    for word, child in children[0].items():
        target[0, word] = child
    fallback = [0] * len(children)
    queue = deque(children[0].values())
    while queue:
        node = queue.popleft()
        said[node] |= said[fallback[node]]
        target[node] = target[fallback[node]]
        for word, child in children[node].items():
            fallback[child] = int(target[node, word])
            target[node, word] = child
            queue.append(child)
    meanings, message = np.unique(np.array(said, dtype=np.int64), return_inverse=True)
    anywhere = np.ones(len(children), dtype=bool)
    return Automaton(target, message.astype(np.int16)[target], meanings, anywhere, 0)


def _tabulate(
    edges: list[tuple[int, int, int, int]], accepting: np.ndarray, bits: np.ndarray, n_words: int
) -> Automaton:
    target = np.full((len(accepting), n_words + 2), REJECT, dtype=np.int32)
    target[:, n_words + 1] = np.arange(len(accepting))
    message = np.zeros_like(target, dtype=np.int16)
    for source, word, sink, sent in edges:
        target[source, word] = sink
        message[source, word] = sent
    return Automaton(target, message, bits, accepting, 1)
