"""The state of one workspace and every change of it. It knows neither HTTP nor the shapes of answers."""
