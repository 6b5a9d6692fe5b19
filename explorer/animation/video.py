"""Pictures into an MP4 or WebM file, one at a time; the one module that names PyAV, which is optional."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter, ExtraMissing

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream

__all__ = ["CODECS", "check_video", "write_video"]


class _Codec(NamedTuple):
    """How a kind of file is encoded; ``options`` are those of FFmpeg."""

    container: str
    name: str
    options: Mapping[str, str]
    container_options: Mapping[str, str]


CODECS: Final = {
    # faststart: the index comes first, so that a page can play the file while it loads
    ".mp4": _Codec("mp4", "libx264", {"crf": "17", "preset": "veryfast"}, {"movflags": "+faststart"}),
    ".webm": _Codec("webm", "libvpx-vp9", {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}, {}),
}
"""By the file's ending: H.264 in MP4, which everything plays, and VP9 in WebM."""

_BT709 = 1  # the standard of colors that players expect of videos of this size: as matrix, primaries and transfer
_LIMITED = 1  # 16 to 235, which they expect as well


def check_video(ending: str, width: int, height: int) -> None:
    """Refuse what cannot be encoded, before anything is drawn.

    Raises
    ------
    ExtraMissing
        If PyAV is not installed.
    BadParameter
        If a side is odd: color has half the resolution.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise ExtraMissing(f"Writing {ending} files", "video") from None
    for name, side in (("width", width), ("height", height)):
        if side % 2:
            raise BadParameter(name, side, "a video needs an even number of pixels.")


def write_video(
    path: Path, pictures: Iterable[tuple[NDArray[np.uint8], int]], *, ending: str, width: int, height: int, fps: int, title: str
) -> None:
    """Encode pictures.

    Parameters
    ----------
    path : Path
        Where to.
    pictures : iterable of (ndarray of shape (height, width, 3), int)
        Each with how many times it is shown.
    ending : {".mp4", ".webm"}
        What kind of file.
    width, height : int
        Pixels, even.
    fps : int
        Pictures a second.
    title : str
        Written into the file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import av

    codec = CODECS[ending]
    try:
        with av.open(str(path), "w", format=codec.container, options=dict(codec.container_options)) as container:
            container.metadata["title"] = title
            stream = cast("VideoStream", container.add_stream(codec.name, rate=fps, options=dict(codec.options)))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED
            at = 0
            for picture, n in pictures:
                frame = _frame(picture)
                for _ in range(n):
                    frame.pts, at = at, at + 1
                    container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error


def _frame(picture: NDArray[np.uint8]) -> VideoFrame:
    from av import VideoFrame

    rgb = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame = rgb.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    frame.colorspace = frame.color_primaries = frame.color_trc = _BT709
    frame.color_range = _LIMITED
    return frame
