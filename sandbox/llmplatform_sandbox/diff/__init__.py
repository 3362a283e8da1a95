"""What a change to a checkout would do to a stack that another revision has made: for reviewers, with no account."""
