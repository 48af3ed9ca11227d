"""Where actions leave the edge."""
