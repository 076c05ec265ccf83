"""Add to the site what is not in docs/: other Markdown files, and references made from the code.

mkdocs calls the functions `on_*`. Links between Markdown files are written for a checkout, so they
are changed to the places that the files have in the site. A link to a file that is no page leads to
the repository.
"""

import re
from pathlib import Path
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from references import command_line, errors, headers, python

ROOT = Path(__file__).resolve().parents[2]

# File of the checkout: page of the site.
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "THREAT_MODEL.md": "threat_model.md",
    "mobile/android/README.md": "android.md",
    "mobile/ios/README.md": "ios.md",
}
GENERATED = {
    "command_line.md": command_line,
    "errors.md": errors,
    "headers.md": headers,
    "python.md": python,
}
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.M | re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are stored elsewhere, and the references."""
    for source, page in ELSEWHERE.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    for page, write in GENERATED.items():
        files.append(File.generated(config, page, content=write(ROOT)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with its links changed; code is left as it is."""
    source = _source_of(page.file.src_uri)
    if source is None:
        return markdown
    parts, start = [], 0
    for code in CODE.finditer(markdown):
        parts += [_with_links(markdown[start : code.start()], source, config), code.group()]
        start = code.end()
    return "".join([*parts, _with_links(markdown[start:], source, config)])


def _source_of(page: str) -> str | None:
    """Return the file of the checkout that a page is made from; None if it is generated."""
    if page in GENERATED:
        return None
    return next((file for file, name in ELSEWHERE.items() if name == page), f"docs/{page}")


def _with_links(text: str, source: str, config: MkDocsConfig) -> str:
    def changed(link: re.Match[str]) -> str:
        return link[1] + _link(link[2], source, config) + link[3]

    return LINK.sub(changed, text)


def _link(target: str, source: str, config: MkDocsConfig) -> str:
    """Return the link of a page to `target`, which is relative to the file `source`."""
    if re.match(r"[a-z]+:|#", target):
        return target
    path, mark, anchor = target.partition("#")
    file = normpath(f"{Path(source).parent.as_posix()}/{path}")
    if file in ELSEWHERE:
        return ELSEWHERE[file] + mark + anchor
    if file.startswith("docs/"):
        return relpath(file, "docs") + mark + anchor
    if not (ROOT / file).exists():
        raise FileNotFoundError(f"[docs] expected the target of a link in {source}, got {target}")
    return f"{config.repo_url}/blob/main/{file}{mark}{anchor}"
