"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples in every run, so that what passed passes again, here as in CI. `--hypothesis-profile=explore` looks
# further and prints how to repeat what it finds.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "explore", max_examples=1_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")
