"""What a change of a checkout does to a stack of another revision: for reviewers, without an account."""
