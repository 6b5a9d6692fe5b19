"""The process that reads one folder of LanceDB or Chroma by its own library; see ``reader_process``.

Started as ``python -m explorer.data.reader_worker KIND FOLDER``. ``{"what": …}`` is answered by a line, or by ``{"failed": reason}``;
behind the line come rows, where they were asked for, as an Arrow stream. It ends when nobody has asked for ten minutes, or with its parent.
"""

from __future__ import annotations

import json
import logging
import sys
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

import pyarrow as pa

from explorer.data.reader_process import plain
from explorer.helper_process import begin_helping, next_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Answer", "Reader", "main", "serve"]

logger = logging.getLogger(__name__)

_IDLE_S = 600.0

Answer: TypeAlias = dict[str, Any] | pa.RecordBatchReader


class Reader(Protocol):
    """Reads one folder."""

    def answer(self, what: str, how: dict[str, Any]) -> Answer:
        """Say it in a line, or with rows."""
        ...


def main() -> None:
    """Serve the parent."""
    kind, folder = sys.argv[1:]
    answers = begin_helping()
    if kind == "lance":
        from explorer.data.lance_reader import LanceReader as Opened
    else:
        from explorer.data.chroma_reader import ChromaReader as Opened  # type: ignore[assignment]
    serve(lambda: Opened(Path(folder)), sys.stdin.buffer, answers)


def serve(open_folder: Callable[[], Reader], questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until there are no more; the folder is opened with the first.

    Raises
    ------
    Exception
        If rows break off that are on their way: the process ends, and says why.
    """
    reader: Reader | None = None
    for question in _questions(questions):
        try:
            reader = reader or open_folder()
            answer = reader.answer(question.pop("what"), question)
            batches = iter(()) if isinstance(answer, dict) else iter(answer)
            first = [*islice(batches, 1)]  # what is wrong shows here, mostly
        except Exception as error:  # a border: who asked is told
            logger.exception("a question cannot be answered")
            answer = {"failed": _said(error)}
        if isinstance(answer, dict):
            answers.write(json.dumps(answer).encode() + b"\n")
        else:
            answers.write(b"{}\n")
            with pa.ipc.new_stream(answers, answer.schema) as stream:
                for batch in chain(first, batches):
                    stream.write_batch(batch)
        answers.flush()


def _questions(questions: BinaryIO) -> Iterator[dict[str, Any]]:
    while line := next_question(questions, idle_s=_IDLE_S):
        yield json.loads(line)


def _said(error: Exception) -> str:
    said = plain(str(error))
    return f"its library cannot read it ({type(error).__name__}{f': {said}' if said else ''}). It is damaged, or of a later version."


if __name__ == "__main__":
    main()
