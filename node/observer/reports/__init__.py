"""Reports for supervisors, from the read store alone: trades, public disclosure, a day.

Each is a record that `Reader` is read into; it is an answer of the API, a page, a file and what
`dcn report` prints. What is public is read from `main.TABLE`, everything else as the viewer sees
it.
"""
