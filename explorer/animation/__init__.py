"""A map that travels between two layouts, as a file: MP4, WebM, GIF, or one page of HTML; knows no session and no widget."""
