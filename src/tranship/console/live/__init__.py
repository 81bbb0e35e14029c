"""The service's pages for people: what is going on now, and why an order ships from where it ships."""
