"""`leapfrog demo`: the whole box at work on exams of nobody. A program of its own, with a daemon as its child."""
