"""What both estimators share: fit, predictions, and what looks on.

This is where the data, the model and the climb meet.
"""
