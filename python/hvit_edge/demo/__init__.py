"""Serve a page that runs an artifact in the browser, by the runtime in WebAssembly."""
