"""The generated protocol; see `proto/generate.py`."""
