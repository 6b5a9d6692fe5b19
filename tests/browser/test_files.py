"""Files from outside the package: uploads good, broken and hostile, names in the address, folders of the server."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import explorer
from tests.browser.conftest import Watched

Open = Callable[..., Watched]

IMAGE = "<img src=x onerror=window.hacked=1>"
SCRIPT = "<script>window.hacked=1</script>"


def csv(columns: dict[str, list[str]], *, n_rows: int = 60) -> bytes:
    """Write a table of these columns and four of an embedding."""
    vectors = np.random.default_rng(0).normal(size=(n_rows, 4))
    lines = [",".join([*columns, *(f"embedding_{dim}" for dim in range(1, 5))])]
    lines += [",".join([*(values[row] for values in columns.values()), *map(str, vectors[row])]) for row in range(n_rows)]
    return "\n".join(lines).encode()


def test_a_csv_opens_and_its_map_computes_itself(sample_page: Watched, server: str, open_page: Open):
    page = open_page(server)
    before = page.wait_for_picture()
    page.upload("words.csv", csv({"word": [f"word {row}" for row in range(60)], "kind": ["even", "odd"] * 30}))
    page.status().filter(has_text="60 of 60 rows · PCA · 4 dimensions").wait_for()
    page.wait_for_new_picture(before)
    assert page.select("Dataset").inner_text() == "words.csv"
    assert page.legend() == {"even": 30, "odd": 30}
    assert page.n_colored() > 300


def test_a_file_of_many_parts_arrives_in_their_order(sample_page: Watched):
    page = sample_page
    wanted = explorer.catalog().find("wordnet-10k").title
    file = io.BytesIO()
    vectors = np.random.default_rng(0).normal(size=(120_000, 64)).astype(np.float32)  # 31 MB: parts of 10 MB, then a word that it ends
    np.savez(file, embeddings=vectors)  # which has a checksum
    page.upload("parts.npz", file.getvalue())
    page.status().filter(has_text="120,000 of 120,000 rows · PCA · 64 dimensions").wait_for()
    page.settle()
    page.choose("Dataset", wanted)
    page.status().filter(has_text="10,000 of 10,000 rows").wait_for()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("broken.parquet", b"PAR1 this is no parquet file PAR1", "broken.parquet cannot be read"),
        ("empty.npy", b"", "The uploaded file cannot be read: it is empty."),
        (f"{IMAGE}.csv", b"a,b\n1,2\n3,4\n", IMAGE),
    ],
)
def test_a_file_that_cannot_be_opened_leaves_the_map_as_it_was(sample_page: Watched, name: str, content: bytes, says: str):
    page = sample_page
    status, pixels = page.status().inner_text(), page.pixels()
    page.upload(name, content)
    page.error().wait_for()
    sentence = page.error().inner_text()
    assert says in sentence
    assert "Traceback" not in sentence
    assert "/tmp" not in sentence, "where the server keeps an upload is not its owner's business"
    page.status().filter(has_text="10,000 of 10,000 rows").wait_for()
    assert page.status().inner_text() == status
    assert page.select("Dataset").inner_text() == "WordNet, 10,000 senses"
    assert page.page.evaluate("window.hacked") is None
    page.button("Close this message").click()
    page.error().wait_for(state="hidden")
    page.settle()
    assert np.array_equal(page.pixels(), pixels)


def test_a_pickle_is_refused_and_never_loaded(sample_page: Watched, tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    content = io.BytesIO()
    np.save(content, np.array([Trap()], dtype=object), allow_pickle=True)
    pickle.loads(pickle.dumps(Trap()))
    assert (tmp_path / "sprung").exists(), "the trap works"
    (tmp_path / "sprung").unlink()

    page = sample_page
    page.upload("trap.npy", content.getvalue())
    page.error().filter(has_text="trap.npy").wait_for()
    assert "pickle" in page.error().inner_text()
    assert not (tmp_path / "sprung").exists()
    page.button("Close this message").click()


def test_html_in_a_file_is_shown_as_text(server: str, open_page: Open):
    page = open_page(server)
    before = page.wait_for_picture()
    page.upload(f"{IMAGE}.csv", csv({SCRIPT: [f"{IMAGE} {row}" for row in range(60)], IMAGE: [SCRIPT, "<b>bold</b>"] * 30}))
    page.status().filter(has_text="60 of 60 rows").wait_for()
    page.wait_for_new_picture(before)
    assert page.select("Dataset").inner_text() == f"{IMAGE}.csv"
    assert f"{IMAGE}.csv" in page.options("Dataset")
    page.choose("Color by", IMAGE)
    page.page.locator(".legend .head").get_by_text(IMAGE, exact=True).wait_for()
    assert page.legend() == {SCRIPT: 30, "<b>bold</b>": 30}

    page.settle()
    place = page.place_of_some_row()
    page.page.mouse.move(*place)
    card = page.page.locator(".card")
    card.wait_for()
    assert IMAGE in card.inner_text()
    page.page.mouse.click(*place)
    page.wait_until(lambda: len(page.neighbors()) == 10, "neighbors")
    inspector = page.page.locator(".inspector")
    assert IMAGE in inspector.inner_text()
    labels = inspector.locator("li .label").all_text_contents()
    assert len(labels) >= 10
    assert all(IMAGE in label for label in labels)

    for place in (".card", ".legend", ".inspector", ".message"):
        assert not page.page.locator(f"{place} :is(script, b.bold, img[src=x])").count()
    assert page.page.evaluate("window.hacked") is None


def test_the_address_names_the_dataset(server: str, open_page: Open):
    page = open_page(f"{server}?dataset=digits")
    page.status().filter(has_text="1,797 of 1,797 rows").wait_for()
    page.wait_until(lambda: page.select("Dataset").inner_text() == "Handwritten digits", "its name in the list")


def test_the_address_opens_nothing_that_is_not_in_the_catalog(server: str, open_page: Open):
    page = open_page(f"{server}?dataset=/etc/passwd")
    page.error().wait_for()
    assert "The catalog has no dataset /etc/passwd." in page.error().inner_text()
    assert "wordnet-10k" in page.error().inner_text(), "it says what there is"
    page.page.get_by_text("No dataset is open.").wait_for()
    assert not page.pictures
    assert "root:" not in page.page.content()


def test_a_file_in_a_data_folder_joins_the_catalog(server: str, open_page: Open, data_root: Path):
    rng = np.random.default_rng(1)
    table = pa.table({"name": [f"row {row}" for row in range(40)], "x": rng.normal(size=40), "y": rng.normal(size=40)})
    pq.write_table(table, data_root / "dropped.parquet")
    page = open_page(server)
    page.wait_for_picture()
    title = next(option for option in page.options("Dataset") if "dropped" in option)
    before = page.settle()
    page.choose("Dataset", title)
    page.status().filter(has_text="40 of 40 rows").wait_for()
    page.wait_for_new_picture(before)
    assert page.button("Run").is_disabled(), "coordinates alone cannot be projected"


def test_a_row_far_outside_does_not_shrink_the_map_and_can_be_seen(server: str, open_page: Open, data_root: Path):
    numbers = np.random.default_rng(0)
    places = numbers.normal(size=(2_000, 2)).astype(np.float32)
    places[7] = 1e6, -1e6
    pq.write_table(pa.table({"x": places[:, 0], "y": places[:, 1]}), data_root / "outlier.parquet")
    page = open_page(f"{server}?dataset=outlier")
    before = page.settle()
    assert page.n_colored() > 2_000
    assert page.view()[1] < 100
    page.button("Show every row, also those far outside").click()
    before = page.wait_for_new_picture(before)
    assert page.view()[1] > 1e6
    page.button("Show the whole map").click()
    page.wait_for_new_picture(before)
    assert page.view()[1] < 100
