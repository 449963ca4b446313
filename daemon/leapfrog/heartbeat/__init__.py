"""How an open page notices that the box still runs, and that there is something newer. Both sides."""
