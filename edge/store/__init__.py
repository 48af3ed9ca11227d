"""DuckDB. The only room that speaks SQL."""
