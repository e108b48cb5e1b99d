"""The small writers of media files: same bytes on every machine, no encoder behind them."""
