"""What is true: the state of one workspace and every change of it. No HTTP, no wire shapes."""
