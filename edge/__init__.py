"""Edge: organizations' code runs beside the meter data of a neighbourhood, and only declared actions leave."""

__version__ = "0.1.0"
