"""Pictures of people, encoded anew: whatever comes in, a plain square of pixels goes out."""

from __future__ import annotations

import importlib.util
import io
import logging
import threading
import warnings
from typing import Any, Final

from authenticator.errors import AuthError

LARGEST: Final = 5 * 1024 * 1024  # bytes of what is sent
SIDE: Final = 512
QUALITY: Final = 80
MEDIA_TYPE: Final = "image/webp"
PATIENCE: Final = 10  # seconds to wait for the turn to decode
# Pixels, read from the header before anything is decoded. A JPEG can be decoded at a fraction of its size.
MOST_PIXELS: Final = {"PNG": 16_800_000, "GIF": 16_800_000, "WEBP": 12_500_000, "JPEG": 25_000_000}
ORIENTATION: Final = 0x0112  # the EXIF tag
TURNS: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}

_turn = threading.Lock()  # one picture at a time, so that memory stays bounded


def available() -> bool:
    """Whether the library that decodes pictures is installed."""
    return importlib.util.find_spec("PIL") is not None


def portrait(content: bytes) -> bytes:
    """The middle of a picture as a square WebP, upright and without anything that came along with it (EXIF, comments, a second file).

    PNG, JPEG, WebP and the first frame of GIF are taken. AuthError `unsupported_media_type` for anything else, `body_too_large` for too
    many bytes or pixels, `validation_failed` for a broken file, `busy` if others are waiting for too long.
    """
    if len(content) > LARGEST:
        raise AuthError("body_too_large", "A picture may have at most 5 MiB.")
    kind = _kind(content)
    _hush()
    if not _turn.acquire(timeout=PATIENCE):
        raise AuthError("busy")
    try:
        with warnings.catch_warnings():  # what a library thinks of a stranger's file is not for the operator's log
            warnings.simplefilter("ignore")
            return _encoded(_square(content, kind))
    except AuthError:
        raise
    except Exception:  # decoders fail on hostile files in many ways, and none of them is ours
        raise AuthError("validation_failed", "This picture could not be read. Save it again as PNG or JPEG, then repeat.") from None
    finally:
        _turn.release()


def _hush() -> None:
    """Where a host logs everything, the library would write down what a photo tells of its owner."""
    log = logging.getLogger("PIL")
    if log.level < logging.INFO:
        log.setLevel(logging.INFO)


def _kind(content: bytes) -> str:
    """What the first bytes say; whatever the sender calls it does not count."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    raise AuthError("unsupported_media_type", "Send a picture as PNG, JPEG, WebP or GIF.")


def _webp_size(content: bytes) -> tuple[int, int]:
    """Width and height of a WebP from its first chunk (RFC 9649 §2.5 to §2.7)."""
    chunk, body = content[12:16], content[20:30]
    if chunk == b"VP8X" and len(body) == 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise ValueError("not a WebP")


def _bounded(kind: str, width: int, height: int) -> None:
    if width * height > MOST_PIXELS[kind]:
        raise AuthError("body_too_large", "This picture has too many pixels. Send one of at most 12 megapixels.")


def _square(content: bytes, kind: str) -> Any:
    """The middle square of the picture at its final size, upright."""
    from PIL import Image  # loads slowly, and few processes ever see a picture

    middle, turn = _middle(content, kind)
    clear = "A" in middle.getbands() or "transparency" in middle.info
    wanted = "RGBA" if clear else "RGB"
    if middle.mode != wanted:
        middle = middle.convert(wanted)
    small = middle.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small.transpose(Image.Transpose[turn]) if turn else small


def _middle(content: bytes, kind: str) -> tuple[Any, str | None]:
    """The middle square as it lies in the file, and how to turn it upright."""
    from PIL import Image

    if kind == "WEBP":  # its decoder reserves memory for all pixels before it can be asked how many there are
        _bounded(kind, *_webp_size(content))
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        _bounded(kind, *picture.size)
        turn = TURNS.get(_orientation(picture))
        if kind == "JPEG":
            picture.draft("RGB", (2 * SIDE, 2 * SIDE))
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return picture.crop((left, top, left + side, top + side)), turn


def _orientation(picture: Any) -> int:
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # broken EXIF does not make a picture bad
        return 1


def _encoded(picture: Any) -> bytes:
    """Only the pixels: a fresh image carries nothing else over."""
    from PIL import Image

    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    written = io.BytesIO()
    bare.save(written, "WEBP", quality=QUALITY)
    return written.getvalue()
