"""gonogo runs a release-readiness checklist for real and answers GO, NO-GO or HOLD."""

__version__ = "0.1.0"
