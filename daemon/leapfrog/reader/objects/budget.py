"""A picture as a JPEG that fits into so many bytes, for a thin link."""

from io import BytesIO

from PIL import Image

QUALITIES = (85, 78, 70, 62, 54, 46, 38, 30)  # below, a film is blocks
SUBSAMPLING = "4:2:2"


def jpeg_within(picture: Image.Image, most_bytes: int) -> bytes:
    """`picture`, gray or RGB, at the best of `QUALITIES` at which it takes no more than `most_bytes`; one that fits at
    none, such as a film full of grain, at the last.
    """
    content = b""
    for quality in QUALITIES:
        content = _encoded(picture, quality)
        if len(content) <= most_bytes:
            break
    return content


def _encoded(picture: Image.Image, quality: int) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality, subsampling=SUBSAMPLING, optimize=True)
    return stream.getvalue()
