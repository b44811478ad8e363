"""The lab's sites: one module a site, each with a layout, labels and addresses of its own."""
