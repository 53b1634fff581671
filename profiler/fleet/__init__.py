"""One plan for many hosts: what is measured where, in which order, and what came of it."""
