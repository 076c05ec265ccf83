"""Call the C++ runner on a device; it answers in JSON."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hvit_edge.devices.bundle import PROGRAM, find_bundle, needs_full_runner
from hvit_edge.devices.device import Device
from hvit_edge.devices.process import Finished
from hvit_edge.errors import ArtifactError, DeviceError, InputError
from hvit_edge.progress import Count, uncounted

BAD_INPUT = 2  # the runner's exit status for a request or artifact that it refuses
LOADING = "[Session.load]"  # its messages about an artifact begin with this
DIGEST = 16  # characters of a file's name on the device
NO_SUCH_INSTRUCTION = (-signal.SIGILL, 128 + signal.SIGILL)


@dataclass(frozen=True)
class Facts:
    """Holds the facts that the runner reports about a device.

    Attributes:
        architecture: such as "aarch64".
        system: the operating system.
        cpu: model of the CPU; empty if the system does not report it.
        features: names in /proc/cpuinfo, such as "asimdhp" (float16) and "asimddp" (int8 dot
            products).
        cores: number of cores.
        threads: number of threads that the runtime would choose.
        memory_bytes: size of the memory.
        version: version of hvit-edge.
    """

    architecture: str
    system: str
    cpu: str
    features: tuple[str, ...]
    cores: int
    threads: int
    memory_bytes: int
    version: str

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class Runner:
    """Calls the runner on `device`. The runner and each artifact are copied there once.

    Native programs run with the small runner, and others with the full one; see `bundle`.

    Every method raises DeviceError if the device cannot be reached or the runner crashes, and
    ArtifactError or InputError if the runner refuses the artifact or the request.

    Args:
        device: the device.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._programs: dict[bool, str] = {}
        self._kept: dict[Path, tuple[str, bool]] = {}

    def facts(self) -> Facts:
        """Return the facts about the device."""
        answer = self._ask("facts")
        answer["features"] = tuple(answer["features"])
        return Facts(**{name: answer[name] for name in Facts.__dataclass_fields__})

    def self_test(self, artifact: Path, *, threads: int = 0) -> dict:
        """Run the golden sample; return `passed`, `max_abs`, `max_rel` and `top1_agree`."""
        return self._ask("self-test", artifact, *_threads(threads))

    def run(
        self,
        artifact: Path,
        inputs: Sequence[np.ndarray],
        *,
        threads: int = 0,
        count: Count = uncounted,
    ) -> list[np.ndarray]:
        """Return the first output for each of the inputs of an artifact with one input.

        Args:
            artifact: a `.pte` file written by hvit-edge.
            inputs: preprocessed float32 arrays of the artifact's input shape.
            threads: number of threads; 0 lets the device choose.
            count: called after every output.

        Returns:
            float32 arrays of the artifact's output shape, in the order of the inputs.
        """
        rows = [(np.asarray(array, np.float32),) for array in inputs]
        return [row[0] for row in self.run_arrays(artifact, rows, threads=threads, count=count)]

    def run_arrays(
        self,
        artifact: Path,
        samples: Sequence[Sequence[np.ndarray]],
        *,
        threads: int = 0,
        count: Count = uncounted,
    ) -> list[tuple[np.ndarray, ...]]:
        """Return all outputs for each of the samples.

        Args:
            artifact: a `.pte` file written by hvit-edge.
            samples: one array for each input of the artifact, of its shape and dtype.
            threads, count: see `run`.

        Returns:
            One array for each output of the artifact, in the order of the samples.
        """
        with self._own("outputs") as outputs, tempfile.TemporaryDirectory() as folder:
            raw = Path(folder, "inputs")
            with open(raw, "wb") as file:
                for array in (array for sample in samples for array in sample):
                    file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
            with self._sent(raw, "inputs") as sent:
                answer = self._ask(
                    "run",
                    artifact,
                    sent,
                    self.device.path(outputs),
                    *_threads(threads),
                    count=count,
                )
            pulled = Path(folder, "outputs")
            self.device.pull(outputs, pulled)
            content = pulled.read_bytes()
        outputs = _output_types(answer)
        expected = len(samples) * sum(_bytes_of(each) for each in outputs)
        if answer["count"] != len(samples) or len(content) != expected:
            raise DeviceError(
                f"[device] {self.device.name}: expected outputs for {len(samples)} samples in"
                f" {expected} bytes, got {answer['count']} in {len(content)}; run it again"
            )
        return list(_rows(content, outputs, len(samples)))

    def classify(self, artifact: Path, pixels: np.ndarray, *, top_k: int, threads: int = 0) -> list:
        """Classify a photo, uint8 RGB [height, width, 3], which is preprocessed on the device.

        Returns:
            `top_k` predictions with `label`, `index` and `score`.
        """
        height, width, _ = pixels.shape
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder, "photo.ppm")
            photo.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + pixels.tobytes())
            with self._sent(photo, "photo") as sent:
                answer = self._ask(
                    "classify",
                    artifact,
                    sent,
                    "--top-k",
                    str(top_k),
                    *_threads(threads),
                )
        return answer["predictions"]

    def bench(
        self,
        artifact: Path,
        *,
        iterations: int,
        warmup: int,
        threads: int = 0,
        progress: Count = uncounted,
    ) -> dict:
        """Measure times and memory; return the fields of `bench.BenchReport`."""
        runs = _runs(iterations, warmup, threads)
        return self._ask("bench", artifact, *runs, count=progress)

    def profile(
        self,
        artifact: Path,
        *,
        iterations: int,
        warmup: int,
        threads: int = 0,
        progress: Count = uncounted,
    ) -> dict:
        """Measure operators.

        Returns:
            `threads`, the `seconds` of each run, and `operators`, each with its `name` and its
            `nanoseconds` in each run.
        """
        runs = _runs(iterations, warmup, threads)
        return self._ask("profile", artifact, *runs, count=progress)

    def check_pixels(self) -> dict:
        """Preprocess frames with every instruction set, and check that all results are equal.

        Returns:
            `instruction_sets`, `frames` and `crc32`. The checksum is the same on every machine.

        Raises:
            DeviceError: two results differ.
        """
        return self._ask("check-pixels")

    def count(self, artifact: Path, progress: Count = uncounted) -> dict:
        """Run one inference between the marks of the instruction counter, and one for operators.

        Returns:
            `operators` of the second inference. Each has its `name`, and `first` and `last`: the
            numbers of the reads of the clock before and after it.
        """
        return self._ask("count", artifact, count=progress)

    def _ask(
        self,
        verb: str,
        artifact: Path | None = None,
        *arguments: str,
        count: Count = uncounted,
    ) -> dict[str, object]:
        words, full = list(arguments), False
        if artifact is not None:
            path, full = self._keep(artifact)
            words.insert(0, path)
        command = [self._installed(full), verb, *words]
        done = self.device.run(command, lambda line: _progress(line, count))
        if done.status == 0:
            return json.loads(done.stdout)
        raise self._error(done)

    def _error(self, done: Finished) -> Exception:
        if done.status == BAD_INPUT:
            refused = ArtifactError if done.last_words.startswith(LOADING) else InputError
            return refused(f"{done.last_words} (on {self.device.name})")
        if done.status in NO_SUCH_INSTRUCTION:
            return DeviceError(
                f"[device] {self.device.name}: expected a CPU with all instructions of the program,"
                " got one without; compile with another --precision (precision=)"
            )
        return DeviceError(
            f"[device] {self.device.name}: expected the runner to finish, got exit status"
            f" {done.status} ({done.last_words}); check the memory and disk of the device, and run"
            " it again"
        )

    def _installed(self, full: bool) -> str:
        """Return the path of a runner on the device; the first call copies it there."""
        if full not in self._programs:
            files = find_bundle(self.device.architecture(), full=full)
            digest = _digest([file for file, _ in files])
            paths = [self.device.push(file, f"{digest}/{name}") for file, name in files[::-1]]
            self._programs[full] = next(path for path in paths if path.endswith(PROGRAM))
        return self._programs[full]

    def _keep(self, artifact: Path) -> tuple[str, bool]:
        """Return the path of the artifact on the device, and True if it needs the full runner.

        The first call copies it, so the file must not change while this Runner is in use.
        """
        if artifact not in self._kept:
            try:
                path = self.device.push(artifact, f"{_digest([artifact])}.pte")
            except OSError as error:
                raise InputError(
                    f"[device] expected an artifact, got {artifact} ({error.strerror})"
                ) from error
            self._kept[artifact] = path, needs_full_runner(artifact)
        return self._kept[artifact]

    @contextmanager
    def _own(self, purpose: str) -> Iterator[str]:
        """Yield a unique file name on the device; remove the file at the end."""
        name = f"{purpose}-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            yield name
        finally:
            self.device.remove(name)

    @contextmanager
    def _sent(self, file: Path, purpose: str) -> Iterator[str]:
        """Copy a file to the device, yield its path there, and remove it at the end."""
        with self._own(purpose) as name:
            yield self.device.push(file, name)


OutputType = tuple[tuple[int, ...], np.dtype]
"""Shape of an output, and its dtype in the file."""


def _output_types(answer: dict) -> list[OutputType]:
    """Return the types of the outputs in a file that the runner wrote."""
    only = [{"shape": answer["shape"], "dtype": "float32"}]  # a runner of an older version
    return [
        (tuple(each["shape"]), np.dtype(each["dtype"]).newbyteorder("<"))
        for each in answer.get("outputs", only)
    ]


def _bytes_of(output: OutputType) -> int:
    shape, dtype = output
    return math.prod(shape) * dtype.itemsize


def _rows(
    content: bytes, outputs: Sequence[OutputType], count: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the outputs of each sample."""
    start = 0
    for _ in range(count):
        row = []
        for shape, dtype in outputs:
            values = np.frombuffer(content, dtype, math.prod(shape), start)
            row.append(values.reshape(shape).astype(dtype.newbyteorder("=")))
            start += values.nbytes
        yield tuple(row)


def _digest(files: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:DIGEST]


def _runs(iterations: int, warmup: int, threads: int) -> list[str]:
    return ["--iterations", str(iterations), "--warmup", str(warmup), *_threads(threads)]


def _threads(threads: int) -> list[str]:
    return ["--threads", str(threads)] if threads else []


def _progress(line: str, count: Count) -> bool:
    """Report progress to `count` and return True if `line` is `progress DONE TOTAL`."""
    words = line.split()
    if len(words) != 3 or words[0] != "progress":
        return False
    count(int(words[1]), int(words[2]))
    return True
