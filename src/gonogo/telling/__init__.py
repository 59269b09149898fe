"""How a run is told, whatever the form: words and symbols, lines of text, evidence by name, the live view."""
