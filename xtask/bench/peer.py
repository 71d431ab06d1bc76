"""The other side of `cargo xtask bench`: the same networks and tasks in PyTorch or onnxruntime.

Started as `peer.py torch` or `peer.py onnxruntime`. The first line on standard input is a JSON object:
model, seed, input (a shape), point and excitations (node names). Every line is answered by one JSON object:

    the setup        {"name": "PyTorch 2.x", "tasks": [...]}, or {"skip": reason}
    threads N        {}
    time TASK        {"milliseconds": of one run}
    answer TASK      {"values": what it computed, flat}

or by {"error": reason}. Parameters and input come from fixtures/scripts/generator.py, so that both sides can
show that they computed the same. Between lines the process sleeps in a read and takes no processor from others.
"""

import io
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "fixtures" / "scripts"))


class Torch:
    """The network as PyTorch users run it: eager, float32, NCHW, parameters without gradient."""

    def __init__(self, setup: dict[str, Any]):
        import torch

        import generator

        torch.set_num_interop_threads(1)
        self.torch = torch
        self.name = f"PyTorch {torch.__version__.split('+')[0]}"
        self.tasks = {"forward": self.forward, "explain": self.explain, "gradient": self.gradient}
        self.network = build(setup["model"], setup["input"][2]).eval().requires_grad_(False)
        state = self.network.state_dict()
        names = [name for name in state if not name.endswith("num_batches_tracked")]
        for name in names:
            state[name].copy_(torch.from_numpy(generator.parameter(setup["seed"], name, tuple(state[name].shape))))
        self.input = torch.from_numpy(generator.network_input(setup["seed"], setup["input"]))
        self.point = locate(self.network, setup["point"])
        self.excitations = [locate(self.network, node) for node in setup["excitations"]]

    def threads(self, count: int) -> None:
        self.torch.set_num_threads(count)

    def forward(self) -> Any:
        """The logits."""
        with self.torch.inference_mode():
            return self.network(self.input)

    def gradient(self) -> Any:
        """The gradient of the top logit at the input."""
        x = self.input.detach().requires_grad_()
        logits = self.network(x)
        return self.torch.autograd.grad(logits[0, logits[0].argmax()], x)[0]

    def explain(self) -> Any:
        """Grad-CAM of the top class and its Gradual Extrapolation.

        Autograd records from the point on only; of each excitation its sum over channels is kept.
        """
        points, sums = [], []

        def cut(output: Any) -> Any:
            points.append(output.detach().requires_grad_())
            return points[0]

        taps = [(*self.point, cut), *((*place, lambda output: sums.append(output.sum(1))) for place in self.excitations)]
        with tapped(taps):
            logits = self.network(self.input)
        x = points[0]
        (g,) = self.torch.autograd.grad(logits[0, logits[0].argmax()], x)
        with self.torch.inference_mode():
            h = (g.mean((2, 3), keepdim=True) * x).sum(1, keepdim=True).clamp(min=0)
            for e in reversed(sums):
                h = self.resize(h, e.shape[-2:]) * (e / e.max())
                h = h / h.abs().max()
            h = self.resize(h, self.input.shape[-2:])
            return (h - h.min()) / (h.max() - h.min())

    def resize(self, h: Any, size: tuple[int, int]) -> Any:
        return self.torch.nn.functional.interpolate(h, size=tuple(size), mode="bilinear", align_corners=False)


class OnnxRuntime:
    """The forward pass in onnxruntime's CPU provider, of the graph that PyTorch exports."""

    def __init__(self, setup: dict[str, Any]):
        import onnxruntime

        source = Torch(setup)
        file = io.BytesIO()
        source.torch.onnx.export(source.network, (source.input,), file, dynamo=False, input_names=["input"])
        self.runtime = onnxruntime
        self.model = file.getvalue()
        self.input = source.input.numpy()
        self.name = f"onnxruntime {onnxruntime.__version__}"
        self.tasks = {"forward": self.forward}

    def threads(self, count: int) -> None:
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = count
        # Its threads may spin within a run, never after it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = self.runtime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])

    def forward(self) -> Any:
        """The logits."""
        return self.session.run(None, {"input": self.input})[0]


PEERS = {"torch": Torch, "onnxruntime": OnnxRuntime}


def build(model: str, size: int) -> Any:
    """The network of this name with its package's own initial values."""
    if model.startswith("efficientnet-lite"):
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_name(model, image_size=size)
    from torchvision import models

    return getattr(models, model)(weights=None)


def locate(network: Any, node: str) -> tuple[Any, int]:
    """The module behind a node name, and which of its calls in one forward pass: `relu_1` is the second of `relu`."""
    modules = dict(network.named_modules())
    if node in modules:
        return modules[node], 0
    module, _, call = node.rpartition("_")
    if module in modules and call.isdigit():
        return modules[module], int(call)
    raise LookupError(f"no module computes node {node!r}")


@contextmanager
def tapped(taps: list[tuple[Any, int, Callable[[Any], Any]]]) -> Iterator[None]:
    """Within, `action(output)` sees the output of a module's given call, and replaces it by what it returns."""

    def hook(call: int, action: Callable[[Any], Any]) -> Callable[..., Any]:
        calls = itertools.count()
        return lambda module, inputs, output: action(output) if next(calls) == call else None

    handles = [module.register_forward_hook(hook(call, action)) for module, call, action in taps]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def reply_to(peer: Any, line: str) -> dict[str, Any]:
    command, _, argument = line.strip().partition(" ")
    if command == "threads":
        peer.threads(int(argument))
        return {}
    task = peer.tasks[argument]
    if command == "answer":
        return {"values": task().reshape(-1).tolist()}
    if command == "time":
        start = time.perf_counter()
        task()
        return {"milliseconds": (time.perf_counter() - start) * 1e3}
    raise ValueError(f"unknown command {command!r}")


def described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def main() -> None:
    # What a library prints must not get between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def reply(value: dict[str, Any]) -> None:
        print(json.dumps(value), file=replies, flush=True)

    try:
        peer = PEERS[sys.argv[1]](json.loads(sys.stdin.readline()))
    except Exception as error:  # whatever is missing or too old here, the bench goes on without this peer
        reply({"skip": described(error)})
        return
    reply({"name": peer.name, "tasks": list(peer.tasks)})
    for line in sys.stdin:
        try:
            reply(reply_to(peer, line))
        except Exception as error:
            reply({"error": described(error)})


if __name__ == "__main__":
    main()
