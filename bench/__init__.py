"""Speed as ratios against real peers, measured in one run on one machine: `make bench`."""
