"""`leapfrog demo`: the whole box at work on exams of nobody."""
