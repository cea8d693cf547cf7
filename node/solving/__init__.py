"""Netting rounds are solved in a process of their own, which may be killed at any moment.

A solver is foreign code on a hard problem: it may take for ever, take all memory, crash or answer
nonsense. `parent` gives it a time box and believes nothing that it says; `worker` is the process.
"""
