"""The listening socket, error answers, static pages. Knows no resource."""
