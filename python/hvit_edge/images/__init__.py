"""Find image files and read their pixels, for the formats that phones and websites write."""
