"""Check `make test` on a machine without the packages that it needs; apt and sudo are fakes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "tools/install_packages.sh"
PLAIN = ("sh", "env", "grep", "head", "mktemp", "rm")
PROGRAMS = (
    *("ssh", "sshd", "adb", "javac", "pkg-config", "aarch64-linux-gnu-g++", "qemu-aarch64"),
    *("chromium", "chromedriver", "node"),
)
TEST_PACKAGES = (
    "python3 python3-venv python3-dev g++ libgtest-dev pkg-config g++-aarch64-linux-gnu qemu-user"
    " openssh-client openssh-server adb default-jdk-headless junit4 chromium chromium-driver nodejs"
)
NO_APT = "this system has no apt-get; install what provides them"


class Machine:
    """A folder of programs, which is the only folder in PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.jars = folder / "bin", folder / "apt.log", folder / "jars"
        self.folder.mkdir()
        self.jars.mkdir()
        for name in PLAIN:
            (self.folder / name).symlink_to(shutil.which(name))
        self.add("id", 'echo "${USER_NUMBER:-0}"')

    def add(self, name: str, script: str = "exit 0") -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def add_apt(self, install: str = "exit 0") -> None:
        """Add an apt-get that records its arguments, and does `install` when it should install."""
        self.add("apt-get", f'echo "$@" >>{self.log}\ncase "$*" in *install*) {install} ;; esac')

    def add_everything(self) -> None:
        for name in ("python3", "c++", *PROGRAMS):
            self.add(name)
        (self.jars / "junit4.jar").touch()

    def run(self, *groups: str, **variables: str) -> subprocess.CompletedProcess:
        environment = {"PATH": str(self.folder), "JAR_FOLDERS": str(self.jars), **variables}
        # The shell itself searches /usr/sbin for sshd: hide this machine's.
        script = SCRIPT.read_text().replace(":/usr/sbin:/sbin", "")
        return subprocess.run(
            ["/bin/sh", "-c", script, "install_packages.sh", *groups],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


GROUPS = ("build", "cpp", "arm", "ssh", "adb", "jvm", "web")


def test_nothing_missing_asks_nobody(machine):
    machine.add_everything()
    machine.add_apt()
    done = machine.run(*GROUPS)
    assert (done.returncode, done.stdout, done.stderr, machine.asked) == (0, "", "", [])


def test_root_installs_what_is_missing_and_nothing_else(machine):
    machine.add_everything()
    (machine.folder / "adb").unlink()
    (machine.jars / "junit4.jar").unlink()
    copy = f"{shutil.which('cp')} {machine.folder}/ssh {machine.folder}/adb"
    machine.add_apt(f"{copy}; : >{machine.jars}/junit4.jar")
    done = machine.run(*GROUPS)
    assert (done.returncode, done.stderr) == (0, "Installing what is missing: adb junit4\n")
    update, install = machine.asked
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends adb junit4")


def test_sudo_installs_without_a_question(machine):
    copy = f"{shutil.which('cp')} {machine.folder}/id {machine.folder}/javac"
    machine.add_apt(f"{copy}; : >{machine.jars}/junit4.jar")
    machine.add("sudo", f'echo "sudo $1" >>{machine.log}; shift; exec "$@"')
    machine.add("true")
    done = machine.run("jvm", USER_NUMBER="1000")
    assert done.returncode == 0, done.stderr
    assert machine.asked.count("sudo -n") == 3  # `true`, update, install
    assert machine.asked[-1].endswith("default-jdk-headless junit4")


@pytest.mark.parametrize("sudo", [None, "exit 1"], ids=["no sudo", "sudo wants a password"])
def test_one_line_where_nobody_may_install(machine, sudo):
    machine.add_apt()
    if sudo:
        machine.add("sudo", sudo)
    done = machine.run(*GROUPS, USER_NUMBER="1000")
    assert (done.returncode, machine.asked) == (1, [])
    assert done.stderr == (
        f"error: expected these packages (Debian names): {TEST_PACKAGES};"
        f" install them as root: apt-get install {TEST_PACKAGES}\n"
    )


def test_one_line_without_apt(machine):
    done = machine.run(*GROUPS, INSTEAD="or do without")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: expected these packages (Debian names): {TEST_PACKAGES}; {NO_APT}; or do without\n"
    )


def test_one_line_where_apt_fails(machine):
    machine.add_apt("echo 'W: slow'; echo 'E: Unable to fetch adb' >&2; exit 100")
    done = machine.run("adb")
    note, line = done.stderr.splitlines()
    assert (done.returncode, note) == (1, "Installing what is missing: adb")
    assert "(Debian names): adb; apt-get could not install them (E: Unable to fetch adb)" in line


def test_what_apt_installs_for_another_python_is_still_missing(machine):
    machine.add_apt()
    done = machine.run("build", PYTHON="python3.99")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1].endswith("but python3.99 or c++ do not see these")


def test_groups_that_are_unknown_are_refused_before_anything_is_installed(machine):
    machine.add_apt()
    done = machine.run("adb", "everything")
    assert (done.returncode, machine.asked) == (1, [])
    assert done.stderr.endswith("got everything\n")


@pytest.mark.parametrize(
    ("target", "groups"),
    [
        ("test", "build cpp arm ssh adb jvm web"),
        (".venv/created", "build"),
        ("packages", "build cpp"),
    ],
)
def test_make_asks_for_the_groups_of_its_target(target, groups):
    shown = subprocess.run(
        ["make", "-n", "-B", target], cwd=CHECKOUT, capture_output=True, text=True, check=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
    )  # fmt: skip
    lines = [line for line in shown.stdout.splitlines() if "install_packages.sh" in line]
    assert lines[0].endswith(f"tools/install_packages.sh {groups}")


def test_the_demo_demands_no_package_of_a_test():
    shown = subprocess.run(
        ["make", "-n", "-B", "demo"], cwd=CHECKOUT, capture_output=True, text=True, check=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
    )  # fmt: skip
    lines = [line for line in shown.stdout.splitlines() if "install_packages.sh" in line]
    assert [line.split("install_packages.sh ")[1] for line in lines] == ["build"]
