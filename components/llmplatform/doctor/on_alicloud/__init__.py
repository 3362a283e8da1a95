"""Checks of an account of Alibaba Cloud."""
