"""`python -m bench.load`: what the webhook door carries, as ratios within one run."""
