#!/usr/bin/env bash
# Fill dist/ with the source distribution and with the wheels of `make wheel` and `make arm-wheel`, each
# named for the oldest glibc that it runs on.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
rm -rf dist
mkdir dist
"$python" -c 'from scikit_build_core.build import build_sdist; build_sdist("dist")' >/dev/null
cp build/arm/dist/*.whl dist
# ExecuTorch's libraries come with the wheel of the extra [executorch].
PATH="$PWD/build/arm/audit/bin:$PATH" PYTHONPATH=build/arm/audit "$python" -m auditwheel repair \
  --exclude 'libexecutorch*.so' -w dist build/wheel/dist/*.whl
ls -l dist
