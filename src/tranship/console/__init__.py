"""What people look at: the report and the service's pages."""
