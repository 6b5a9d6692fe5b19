from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from explorer.animation.film import Film
from explorer.animation.video import check_video, write_video
from explorer.errors import BadParameter, ExtraMissing

MakeFilm = Callable[..., Film]
FORMATS = {".mp4": "h264", ".webm": "vp9"}


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_video_plays_the_pictures_it_was_made_of(film: MakeFilm, tmp_path: Path, ending: str):
    made, path = film(), tmp_path / "film.part"
    pictures = [made.picture(t) for t in (0, 0.5, 1)]
    write_video(path, zip(pictures, (3, 1, 2), strict=True), ending=ending, width=320, height=180, fps=12, title="words")
    found = decoded(path)
    assert len(found) == 6
    for frame, place in zip(found, (0, 0, 0, 1, 2, 2), strict=True):
        assert frame.shape == (180, 320, 3)
        assert np.abs(frame.astype(int) - pictures[place]).mean() < 2
    assert np.abs(found[0][-1, 0].astype(int) - 255).max() <= 1, "the ground is white"


@pytest.mark.parametrize("ending", FORMATS)
def test_a_video_says_what_players_want_to_know(film: MakeFilm, tmp_path: Path, ending: str):
    path = tmp_path / "film.part"
    write_video(path, [(film().picture(0), 12)], ending=ending, width=320, height=180, fps=12, title="words")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name in (FORMATS[ending], "libvpx-vp9")
        assert (stream.codec_context.pix_fmt, stream.average_rate) == ("yuv420p", 12)
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
        assert container.metadata["title"] == "words"
    if ending == ".mp4":
        content = path.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat"), "it plays while it loads"


def test_a_video_is_of_an_even_size():
    with pytest.raises(BadParameter, match=r"width=321 is not allowed: a video needs an even number"):
        check_video(".mp4", 321, 180)
    with pytest.raises(BadParameter, match=r"height=181"):
        check_video(".webm", 320, 181)


def test_without_its_library_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ExtraMissing, match=r'\.mp4 files needs .*: pip install "panel-embedding-explorer\[video\]"'):
        check_video(".mp4", 320, 180)


def test_what_ffmpeg_cannot_write_is_an_os_error(tmp_path: Path, film: MakeFilm):
    with pytest.raises(OSError, match="No such file"):
        write_video(tmp_path / "nowhere" / "x", [(film().picture(0), 1)], ending=".mp4", width=320, height=180, fps=12, title="")
