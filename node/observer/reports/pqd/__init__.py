"""Public quantitative disclosure: the fields of CPMI-IOSCO's standards for central counterparties
(February 2015) that apply to a network without one, and why the others do not.

Every figure is a total or a rank without names, made from `main.TABLE`: it is the same for whoever
asks.
"""
