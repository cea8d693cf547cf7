"""Statements: what a member had, every movement with its cause, what it has; day by day.

Made by applying stored blocks anew and nothing else, so that whoever holds the blocks can make the
same statement and compare its hash (docs/STATEMENTS.md).
"""
