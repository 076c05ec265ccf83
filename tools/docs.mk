# The documentation as a site, by MkDocs; tools/docs_site has its settings and the pages made from code.
.PHONY: docs

docs: setup ## build the documentation as a site into build/docs, and open it; OPEN= leaves it closed
	COLUMNS=100 NO_MKDOCS_2_WARNING=1 PYTHONPATH=tools/docs_site $(BIN)/mkdocs --quiet build -f tools/docs_site/mkdocs.yml
	@$(if $(OPEN),$(OPEN) build/docs/index.html)

OPEN ?= $(BIN)/python -m webbrowser
