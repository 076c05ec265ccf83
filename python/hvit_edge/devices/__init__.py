"""Run artifacts with the C++ runner on devices: user-mode QEMU, ssh, adb.

open_device("qemu:cortex-a76") -> Device    push, run, pull; see `device.py`
Runner(device)                              the commands of the runner; see `runner.py`
DeviceClassifier(artifact, runner)          the interface of `runtime.Classifier`
"""

from hvit_edge.devices.address import LOCAL, open_device
from hvit_edge.devices.classifier import DeviceClassifier
from hvit_edge.devices.device import Device
from hvit_edge.devices.runner import Facts, Runner

__all__ = ["LOCAL", "Device", "DeviceClassifier", "Facts", "Runner", "open_device"]
