"""Writes what the browser's bench asks of onnxruntime-web: lite0.onnx, the repository's weights as an ONNX graph, and
chelsea.f32, the sample photograph as the network sees it, [1, 3, 224, 224] of little-endian float32.

    pip install -r fixtures/scripts/requirements.txt onnx==1.23.2
    python xtask/bench/export_lite0.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]


def main(folder: Path) -> None:
    network = EfficientNet.from_name("efficientnet-lite0", image_size=224).eval()
    state = {name: value.float() for name, value in load_file(ROOT / "weights/efficientnet-lite0.safetensors").items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)

    with Image.open(ROOT / "fixtures/images/chelsea.png") as image:
        pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))
    values = (pixels.astype(np.float32) - np.float32(127)) / np.float32(128)
    photograph = np.ascontiguousarray(values.transpose(2, 0, 1)[None])

    folder.mkdir(parents=True, exist_ok=True)
    photograph.astype("<f4").tofile(folder / "chelsea.f32")
    with torch.inference_mode():
        torch.onnx.export(
            network, (torch.from_numpy(photograph),), folder / "lite0.onnx", dynamo=False, input_names=["input"]
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
