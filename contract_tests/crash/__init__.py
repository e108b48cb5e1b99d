"""Kills servers and checks what is left: at every single step of a change, and at any moment under load.

`make crash` runs all steps; without it a sample of them is tried, chosen by a seed.
"""
