"""Hook of MkDocs: makes the site of Markdown files all over the repository, so that their links hold on a forge too."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = ("*.md", "docs/*.md", "docs/hosts/*.md", "*/README.md", "workloads/data/README.md", "benchmarks/results/*.md")
LINKED = (
    "docs/images/*",
    "workloads/schema.json",
    "reports/measured.schema.json",
    "docs/examples/*.py",
)  # files that pages show or link to


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the pages in the place of what is in `docs_dir` alone."""
    root = Path(config.config_file_path).parent
    found = sorted({path for pattern in (*PAGES, *LINKED) for path in root.glob(pattern)})
    return Files([File.generated(config, str(path.relative_to(root)), abs_src_path=str(path)) for path in found])
