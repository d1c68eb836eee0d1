"""Where classes separate, and the likelihood has no maximum."""
