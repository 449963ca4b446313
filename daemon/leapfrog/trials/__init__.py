"""Programs that try something once and print the result, each in a separate process. On the reader's side."""
