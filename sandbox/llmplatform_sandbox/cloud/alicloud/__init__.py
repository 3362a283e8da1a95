"""The simulated Alibaba Cloud."""
