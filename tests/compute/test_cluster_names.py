"""Names of clusters: what tells each from the others, in whatever language, never the same twice."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from explorer.compute.cluster_names import Names, cluster_names, nameable
from explorer.compute.clusters import ClusterTree
from explorer.compute.word_counts import TextWords


def tree(*layers: list[int]) -> ClusterTree:
    made = [np.array(layer, np.int32) for layer in layers]
    parents = [np.full(made[0].max() + 1, -1, np.int32)]
    for above, layer in pairwise(made):
        parents.append(np.array([above[layer == cluster][0] for cluster in range(layer.max() + 1)], np.int32))
    return ClusterTree(tuple(made), tuple(parents))


def named(clusters: ClusterTree, texts: list[str]) -> Names:
    found = TextWords.of(pa.array(texts))
    words = found.words.to_pylist()
    fit = nameable(words)[found.codes]
    return cluster_names(clusters, found.texts[fit], found.codes[fit], words)


def test_a_name_is_what_the_others_do_not_have() -> None:
    texts = ["a small bird with wings"] * 5 + ["a small fish with fins"] * 5
    assert named(tree([0] * 5 + [1] * 5), texts) == (("bird, wings", "fish, fins"),)


def test_a_name_says_more_than_that_of_the_cluster_above() -> None:
    texts = ["bird of song"] * 6 + ["bird of prey"] * 6 + ["fish of rivers"] * 6 + ["fish of seas"] * 6
    coarse, fine = named(tree([0] * 12 + [1] * 12, [0] * 6 + [1] * 6 + [2] * 6 + [3] * 6), texts)
    assert coarse == ("bird", "fish")
    assert [name.split(", ")[0] for name in fine] == ["song", "prey", "rivers", "seas"]
    assert not set(fine) & set(coarse)


def test_two_forms_of_a_word_are_one() -> None:
    texts = ["plant plants leaf"] * 5 + ["stone"] * 5
    assert named(tree([0] * 5 + [1] * 5), texts)[0][0] == "plant, leaf"


def test_clusters_that_are_alike_get_different_names() -> None:
    texts = ["red apple"] * 10 + ["stone"] * 20
    names = named(tree([0] * 5 + [1] * 5 + [2] * 20), texts)[0]
    assert len(set(names)) == 3


def test_other_scripts_have_names_and_a_sentence_is_none() -> None:
    texts = (
        ["птица летит"] * 5
        + ["魚 海"] * 5
        + ["これは長い文章で、単語の間に空白がありませんから名前にはならないはずです" * 2] * 5
        + [""] * 5
    )
    names = named(tree([0] * 5 + [1] * 5 + [2] * 5 + [3] * 5), texts)[0]
    assert names[:2] == ("птица, летит", "魚, 海")
    assert all(len(word) <= 30 for name in names for word in name.split(", "))
    assert names[3] == ""


def test_numbers_letters_and_fillers_are_no_names() -> None:
    words = ["bird", "1984", "x", "鳥", "w" * 31, "having"]
    np.testing.assert_array_equal(nameable(words), [True, False, False, True, False, False])


def test_what_many_rows_have_is_grammar_unless_it_is_much_more_common_in_one_cluster() -> None:
    texts = ["the stone"] * 40 + ["stone"] * 10 + ["the gull"] * 15 + ["gull"] * 35 + ["the wood"] * 35 + ["wood"] * 65
    assert named(tree([0] * 50 + [1] * 50 + [2] * 100), texts) == (("stone", "gull", "wood"),)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_of_a_layer_have_one_name(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fine = np.sort(rng.integers(0, 12, 300))
    clusters = tree((fine // 4).tolist(), fine.tolist())
    for names in cluster_names(clusters, np.arange(300), rng.integers(0, 4, 300), ["a", "b", "c", "d"]):
        said = [name for name in names if name]
        assert len(said) == len(set(said))
