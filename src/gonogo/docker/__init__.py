"""Docker and Compose by their command lines: what the probes, actions and targets that speak to an engine share."""
