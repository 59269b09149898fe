"""The little statistics that gonogo needs: quantiles, a rank test, and where a series changed. Pure, no dependency."""
