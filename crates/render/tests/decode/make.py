"""One small picture in every form a photograph may come in, and what Pillow decodes of each: `<file>.npy`, uint8 [h, w, 3].

Run in this folder with the versions of `fixtures/scripts/requirements.txt`. Pillow reads 16-bit grey wrongly (it
clips to 8 bits) and does not write 16-bit RGB, so those two are made and expected by hand.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
HEIGHT, WIDTH = 10, 14
ORIENTATION = 0x112


def picture() -> np.ndarray:
    """Smooth, so that lossy formats keep it, and like none of its mirror images or turns."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / (WIDTH - 1)
    return np.stack([40 + 200 * x, 230 - 250 * y * x, 20 + 150 * y * y], axis=-1).round().astype(np.uint8)


def png16(values: np.ndarray) -> bytes:
    """A 16-bit PNG of `values` [h, w, 3]."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def to_8_bits(values: np.ndarray) -> np.ndarray:
    return np.floor(values / 257 + 0.5).astype(np.uint8)


def main() -> None:
    for stale in HERE.glob("*.*"):
        if stale.suffix != ".py":
            stale.unlink()

    rgb = Image.fromarray(picture())
    grey, cmyk, bit, turned = rgb.convert("L"), rgb.convert("CMYK"), rgb.convert("1"), rgb.rotate(180)
    palette = rgb.quantize(16)
    alpha = Image.fromarray(np.linspace(0, 255, HEIGHT * WIDTH).round().astype(np.uint8).reshape(HEIGHT, WIDTH))
    rgba, grey_alpha = rgb.copy(), grey.copy()
    rgba.putalpha(alpha)
    grey_alpha.putalpha(alpha)
    fine = {"quality": 95, "subsampling": 0}

    files = {
        "rgb.png": (rgb, {}),
        "rgba.png": (rgba, {}),
        "grey.png": (grey, {}),
        "grey_alpha.png": (grey_alpha, {}),
        "bit.png": (bit, {}),
        "palette.png": (palette, {}),
        "palette_transparent.png": (palette, {"transparency": 3}),
        "rgb.jpg": (rgb, fine),
        "progressive.jpg": (rgb, fine | {"progressive": True}),
        "grey.jpg": (grey, {"quality": 95}),
        "cmyk.jpg": (cmyk, fine),
        "lossless.webp": (rgb, {"lossless": True}),
        "lossy.webp": (rgb, {"quality": 90}),
        "alpha.webp": (rgba, {"lossless": True, "exact": True}),
        "animated.webp": (rgb, {"lossless": True, "save_all": True, "append_images": [turned]}),
        "rgb.bmp": (rgb, {}),
        "grey.bmp": (grey, {}),
        "palette.bmp": (palette, {}),
        "palette.gif": (palette, {}),
        "animated.gif": (palette, {"save_all": True, "append_images": [turned.quantize(16)]}),
        "rgb.tif": (rgb, {}),
        "lzw.tif": (rgb, {"compression": "tiff_lzw"}),
        "rgba.tif": (rgba, {}),
        "cmyk.tif": (cmyk, {}),
        "pages.tif": (rgb, {"save_all": True, "append_images": [turned]}),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        files[f"orientation_{orientation}.jpg"] = (rgb, fine | {"exif": exif})
        if orientation == 6:
            files["orientation_6.png"] = (rgb, {"exif": exif})
            files["orientation_6.webp"] = (rgb, {"exif": exif, "lossless": True})
            files["orientation_6.tif"] = (rgb, {"exif": exif})
    for name, (image, options) in files.items():
        image.save(HERE / name, **options)
        np.save(HERE / f"{name}.npy", np.asarray(ImageOps.exif_transpose(Image.open(HERE / name)).convert("RGB")))

    low_bytes = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint16).reshape(HEIGHT, WIDTH, 3) % 256
    deep = picture().astype(np.uint16) * 256 + low_bytes
    (HERE / "rgb_16.png").write_bytes(png16(deep))
    np.save(HERE / "rgb_16.png.npy", to_8_bits(deep))
    for suffix in ("png", "tif"):
        Image.fromarray(deep[:, :, 0]).save(HERE / f"grey_16.{suffix}")
        np.save(HERE / f"grey_16.{suffix}.npy", np.repeat(to_8_bits(deep[:, :, :1]), 3, axis=2))


if __name__ == "__main__":
    main()
