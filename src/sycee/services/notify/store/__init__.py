"""Events, endpoints and deliveries as rows."""
