"""Whether a picture comes out as nothing but pixels, whatever went in."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from authenticator import pictures
from authenticator.errors import AuthError

RED, BLUE = (220, 20, 20), (20, 20, 220)


def halves(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (0, height // 2, width, height))
    return picture.convert(mode)


def written(picture: Image.Image, kind: str, **more: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **more)
    return target.getvalue()


def read(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def is_like(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 40 for one, other in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_kind_becomes_a_square_of_webp(kind: str) -> None:
    picture = read(pictures.portrait(written(halves(900, 600), kind)))
    assert (picture.format, picture.size) == ("WEBP", (512, 512))
    assert is_like(picture.getpixel((256, 20)), RED)
    assert is_like(picture.getpixel((256, 490)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_of_colour_is_read(mode: str) -> None:
    source = Image.new("I;16", (64, 64), 30_000) if mode == "I;16" else halves(64, 64, mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert read(pictures.portrait(written(source, kind))).size == (512, 512)


def test_what_is_see_through_stays_so() -> None:
    picture = read(pictures.portrait(written(Image.new("RGBA", (80, 80), (0, 0, 0, 0)), "PNG")))
    assert picture.mode == "RGBA"
    assert picture.getpixel((256, 256))[3] == 0  # type: ignore[index]


def test_a_photo_taken_sideways_stands_upright_and_tells_nothing_of_its_camera() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the right edge of the file is the bottom of the scene
    exif[0x010F] = "Canary Camera"
    exif.get_ifd(0x8825)[1] = "N"
    upright = halves(600, 600)
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    content = written(sideways, "JPEG", exif=exif, comment=b"canary comment", icc_profile=b"canary profile" * 20)
    assert b"anary" in content
    made = pictures.portrait(content)
    assert b"anary" not in made
    picture = read(made)
    assert is_like(picture.getpixel((256, 20)), RED)
    assert is_like(picture.getpixel((256, 490)), BLUE)
    assert not picture.getexif()
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)


def test_broken_exif_does_not_make_a_picture_bad() -> None:
    assert pictures.portrait(written(halves(60, 60), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff nonsense"))


def test_what_is_appended_to_a_picture_is_gone() -> None:
    made = pictures.portrait(written(halves(60, 60), "PNG") + b"<script>alert('canary')</script>PK\x03\x04")
    assert b"canary" not in made


def test_only_the_first_frame_of_a_moving_picture_is_taken() -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in (RED, BLUE, BLUE)]
    for kind in ("GIF", "WEBP"):
        picture = read(pictures.portrait(written(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)))
        assert getattr(picture, "n_frames", 1) == 1
        assert is_like(picture.convert("RGB").getpixel((256, 256)), RED)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says to be of that size; its pixels are zeros, so it is small."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def gif_of(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + b","
        + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
        + b"\x02\x02D\x01\0;"
    )


def webp_of(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_of(width: int, height: int) -> bytes:
    content = written(halves(64, 64), "JPEG")
    at = content.index(b"\xff\xc0")
    return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]


@pytest.mark.parametrize("bomb", [png_of, gif_of, webp_of, jpeg_of])
@pytest.mark.parametrize("side", [5_100, 9_000, 16_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(bomb: Any, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageFile

    decoded: list[int] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(1))
    with pytest.raises(AuthError) as refused:
        pictures.portrait(bomb(side, side))
    assert refused.value.code in ("body_too_large", "validation_failed")
    assert decoded == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_half_a_picture_is_refused(kind: str) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    content = written(noise, kind)
    with pytest.raises(AuthError, match="validation_failed"):
        pictures.portrait(content[: len(content) // 2])


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7", b"BM" + bytes(60), b"II*\0" + bytes(60), b"RIFF1234WAVE"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(AuthError, match="unsupported_media_type"):
        pictures.portrait(content)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF1234WEBP", b"RIFF1234WEBPVP8X"])
def test_a_beginning_alone_is_refused(content: bytes) -> None:
    with pytest.raises(AuthError, match="validation_failed"):
        pictures.portrait(content)


def test_a_file_of_more_than_5_mib_is_refused() -> None:
    with pytest.raises(AuthError, match="body_too_large"):
        pictures.portrait(b"\x89PNG\r\n\x1a\n" + bytes(pictures.LARGEST))
