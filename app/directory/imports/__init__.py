"""Imports: files of any length, row by row, in constant memory. Good rows land, bad rows are reported."""
