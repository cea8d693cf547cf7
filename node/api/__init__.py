"""The node's HTTP API: submit, follow, query, prove. On the loopback, with a bearer token."""
