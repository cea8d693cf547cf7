"""A whole network of real node cores in one process: virtual time, one seed, faults on purpose.

It says so: nothing here is a network of its own, and no result of it stands for one.
"""
