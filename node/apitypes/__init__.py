"""What goes over the API: questions and answers as types, for the server and for clients."""
