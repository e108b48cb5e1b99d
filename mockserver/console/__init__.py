"""What people see: one page that says what runs here and how to reach it."""
