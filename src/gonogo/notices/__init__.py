"""Ways to tell people about a run, one file each: the open set behind `notify:`."""
