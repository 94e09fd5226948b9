"""What `stet init` does: looks at a repository, proposes files, and tries the rules on its past."""
