"""What is told: events become signed messages, and messages are delivered."""
