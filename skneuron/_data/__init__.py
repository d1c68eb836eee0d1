"""What is learned from: read, checked, and laid out as rows that give blocks and sums.

In memory, in files, on devices, on the workers of a cluster.
"""
