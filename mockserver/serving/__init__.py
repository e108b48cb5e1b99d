"""What stands between the network and the application: connections, their bounds, and what is logged of them."""
