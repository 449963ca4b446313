"""The Internet Printing Protocol, as much of it as is needed to print: RFC 8010 (encoding) and 8011 (operations).

By ourselves, since what there is does not fit. `lp` and `lpstat` do not tell job-state-reasons, speak the language of
their user, and cannot make a job before they send the sheet. `ipptool` would be a process for each look at a job, and a
package more on each box. pyipp brings aiohttp and eleven other libraries and 27 MiB into a main process of 56 MiB
(measured), and raises whatever struct and enum raise on an answer that it did not expect.
"""
