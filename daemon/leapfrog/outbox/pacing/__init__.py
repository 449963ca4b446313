"""When things are sent, and how fast: windows, what goes before what, backoffs, the pace of bodies. Main process."""
